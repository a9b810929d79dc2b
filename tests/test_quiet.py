"""What libraries have to say stays off the terminal; what fails does not."""

import subprocess
import sys

from atomicvad.quiet import silenced


def python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_tensorflow_is_loaded_without_a_word():
    result = python(
        "import atomicvad, tensorflow as tf; tf.config.list_physical_devices('GPU');"
        "tf.matmul(tf.ones([9, 9]), tf.ones([9, 9])); print(tf.__spec__.loader is tf.__loader__)"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "True\n", "")


def test_keras_first_is_quiet_as_well():
    assert python("import atomicvad, keras; keras.ops.ones(3)").stderr == ""


def test_an_import_that_fails_says_why(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('broken library')\n")
    result = python(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import atomicvad.model")
    assert result.returncode == 1 and "broken library" in result.stderr


def test_stderr_is_back_after_silence(capfd):
    with silenced():
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'lost')"], check=True)
    subprocess.run([sys.executable, "-c", "import os; os.write(2, b'kept')"], check=True)
    assert capfd.readouterr().err == "kept"
