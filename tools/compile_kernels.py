"""Compile the kernels for this machine, once: training and tests then begin without a wait."""

from atomicvad.parallel import limit_threads, process_pool


def run_network() -> None:
    """A step of training, a look at a batch and the scores of its windows."""
    import numpy as np

    from atomicvad.config import load_profile
    from atomicvad.kernels.features import fast_features
    from atomicvad.model import build_features, build_network
    from atomicvad.scoring.logits import network_logits
    from atomicvad.training.trainer import Trainer

    settings = load_profile("smoke")
    batch, shape = settings.training.batch_size, fast_features(build_features(settings)).shape
    features = np.zeros((batch, *shape(settings.window_samples)), np.float32)
    targets = np.eye(2, dtype=np.float32)[np.arange(batch) % 2]
    trainer = Trainer(settings, 0, 1)
    trainer.step(features, targets)
    trainer.evaluate(features, targets)
    network_logits(build_network())(features)


def run_features() -> None:
    """A batch of augmented windows, their features without augmentation, and a spectrogram."""
    from atomicvad.config import load_profile
    from atomicvad.data.manifest import read_split
    from atomicvad.data.prepare import prepare
    from atomicvad.report.spectrograms import mel_decibels
    from atomicvad.training.batches import TrainingBatches, WindowSet

    settings = load_profile("smoke")
    store = prepare(settings)
    windows = WindowSet(read_split(settings.data_folder, "training", store), store, settings)
    batches = TrainingBatches(windows, settings, seed=0)
    numbers = batches.order(0)[0]
    batches.prepare(0, numbers)
    waveforms = batches.waveforms(numbers, batches.seeds(0, numbers))
    batches.features(waveforms)
    mel_decibels(waveforms[0])


if __name__ == "__main__":
    limit_threads()
    with process_pool(2) as pool:
        for run in [pool.submit(run_network), pool.submit(run_features)]:
            run.result()
