"""Settings: the schema of an experiment, and reading it from YAML."""

from geovq.config.experiment import DiscretizationConfig, ExperimentConfig
from geovq.config.reading import dump_config, load_config, parse_config, setting_changes
from geovq.config.sections import (
    END_TO_END,
    LATTICE_SIZE,
    MOST_LANDMARKS_OF_A_MATRIX,
    RUN_NAME_PATTERN,
    CodebookConfig,
    DatasetName,
    EndToEndMethod,
    GeometricMethod,
    GeometryConfig,
    PriorConfig,
    PriorTrainingConfig,
    RefitConfig,
    SolverName,
    TokenizerName,
    TrainingConfig,
    VAEConfig,
    VQVAEConfig,
)

__all__ = [
    "END_TO_END",
    "LATTICE_SIZE",
    "MOST_LANDMARKS_OF_A_MATRIX",
    "RUN_NAME_PATTERN",
    "CodebookConfig",
    "DatasetName",
    "DiscretizationConfig",
    "EndToEndMethod",
    "ExperimentConfig",
    "GeometricMethod",
    "GeometryConfig",
    "PriorConfig",
    "PriorTrainingConfig",
    "RefitConfig",
    "SolverName",
    "TokenizerName",
    "TrainingConfig",
    "VAEConfig",
    "VQVAEConfig",
    "dump_config",
    "load_config",
    "parse_config",
    "setting_changes",
]
