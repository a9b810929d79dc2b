import numpy as np

STREAM_BYTES: int
WEIGHTS_BYTES: int

def windows(samples: np.ndarray, step: int, weights: np.ndarray, logits: np.ndarray) -> None: ...
def start(streams: np.ndarray) -> None: ...
def push(
    samples: np.ndarray, weights: np.ndarray, streams: np.ndarray, logits: np.ndarray
) -> None: ...
