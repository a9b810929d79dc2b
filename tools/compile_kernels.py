"""Compile the kernels for this machine, once: training and tests then begin without a wait."""

from atomicvad.threads import one_thread_each


def main() -> None:
    """One step of training and one look at a batch, of the ``smoke`` profile."""
    one_thread_each()
    from atomicvad.config import load_profile
    from atomicvad.data import prepare
    from atomicvad.data.manifest import read_split
    from atomicvad.data.pipeline import TrainingBatches, WindowSet
    from atomicvad.evaluation.scoring import logit_score
    from atomicvad.training import Trainer, new_model

    settings = load_profile("smoke")
    store = prepare(settings)
    windows = WindowSet(read_split(settings.data_folder, "training", store), store, settings)
    batches = TrainingBatches(windows, settings, seed=0)
    numbers = batches.order(0)[0]
    trainer, (features, targets) = Trainer(settings, 0, 1), batches.prepare(0, numbers)
    trainer.step(features, targets)
    trainer.predict(features)
    logit_score(new_model(settings))(batches.waveforms(numbers, batches.seeds(0, numbers)))


if __name__ == "__main__":
    main()
