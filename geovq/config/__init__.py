"""Settings: the schema of an experiment, and reading it from YAML."""

from geovq.config.choices import choices
from geovq.config.experiment import DiscretizationConfig, ExperimentConfig
from geovq.config.reading import dump_config, load_config, load_section, parse_config, setting_changes
from geovq.config.sections import (
    MOST_LANDMARKS_OF_A_MATRIX,
    RUN_NAME_PATTERN,
    CodebookConfig,
    DatasetName,
    GeometryConfig,
    PostHocName,
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
    "MOST_LANDMARKS_OF_A_MATRIX",
    "RUN_NAME_PATTERN",
    "CodebookConfig",
    "DatasetName",
    "DiscretizationConfig",
    "ExperimentConfig",
    "GeometryConfig",
    "PostHocName",
    "PriorConfig",
    "PriorTrainingConfig",
    "RefitConfig",
    "SolverName",
    "TokenizerName",
    "TrainingConfig",
    "VAEConfig",
    "VQVAEConfig",
    "choices",
    "dump_config",
    "load_config",
    "load_section",
    "parse_config",
    "setting_changes",
]
