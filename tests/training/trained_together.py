"""One of the processes of a `torchrun` that trains what `test_distributed` looks at: python -m … FOLDER."""

import sys
from pathlib import Path

import torch

from geovq.models import ema_quantizer
from geovq.training import processes
from tests.training.cases import Listener, train

torch.set_num_threads(1)
folder, group = Path(sys.argv[1]), processes()
ema_quantizer.N_WARM_UP_STEPS = 2  # of six steps
for case in ("vae", "vqvae", "vqvae-plain", "fsq", "simvq", "prior without dropout"):
    first, second = Listener(stop_at=(5,)), Listener()
    _, stopped = train(case, folder / case, progress=first, processes=group)
    model, result = train(case, folder / case, progress=second, processes=group)
    outcome = {
        "weights": model.state_dict(),
        "validation": result.validation,
        "stopped_at": stopped.steps,
        "rows": first.rows + second.rows,
        "n_notified": first.n_done + second.n_done,
    }
    torch.save(outcome, folder / f"{case} {group.rank}")
