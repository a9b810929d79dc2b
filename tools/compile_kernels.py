"""Compile the kernels for this machine, once: training and tests then begin without a wait."""

from atomicvad.parallel import limit_threads


def main() -> None:
    """One step of training and one look at a batch, of the ``smoke`` profile."""
    limit_threads()
    from atomicvad.config import load_profile
    from atomicvad.data.manifest import read_split
    from atomicvad.data.prepare import prepare
    from atomicvad.model import new_model
    from atomicvad.scoring.logits import logit_score
    from atomicvad.training.batches import TrainingBatches, WindowSet
    from atomicvad.training.trainer import Trainer

    settings = load_profile("smoke")
    store = prepare(settings)
    windows = WindowSet(read_split(settings.data_folder, "training", store), store, settings)
    batches = TrainingBatches(windows, settings, seed=0)
    numbers = batches.order(0)[0]
    trainer, (features, targets) = Trainer(settings, 0, 1), batches.prepare(0, numbers)
    trainer.step(features, targets)
    trainer.evaluate(features, targets)
    logit_score(new_model(settings))(batches.waveforms(numbers, batches.seeds(0, numbers)))


if __name__ == "__main__":
    main()
