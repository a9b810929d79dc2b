"""The detector in a page finds what Python finds, in a real browser, and sends nothing."""

import base64
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from browser import Watch, launched, served
from test_emulate import needs

from atomicvad import detect, example
from atomicvad.audio.signal import to_int16
from atomicvad.corpora.generated import generate
from atomicvad.detection.detector import segments_of
from atomicvad.detection.models import ENSEMBLE, find_model
from atomicvad.detection.segmenter import Rules, Segmenter
from atomicvad.device.core.values import packed
from atomicvad.device.emulate.signals import stream_signals
from atomicvad.device.engine import Engine
from atomicvad.device.export.wasm import write_several
from atomicvad.site.try_it import FILES, MODULE, block, options, write_try_it

MODEL = find_model(ENSEMBLE)
RULES = MODEL.rules("10ms")
# Scored and drawn: what plays it can be pressed from then on.
DONE = "atomicvadPage.recording.isDone && !document.getElementById('try-play').disabled"
SEGMENTS = "atomicvadPage.recording.segments"
# What the tests hand to scripts, and what scripts hand back, as base64.
HELPERS = """
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const text = (array) => {
  const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const parts = [];
  for (let n = 0; n < all.length; n += 4096) {
    parts.push(String.fromCharCode(...all.subarray(n, n + 4096)));
  }
  return btoa(parts.join(""));
};
"""


def encoded(content) -> str:
    return base64.b64encode(content).decode()


def decoded(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def pairs(segments) -> list[tuple[float, float]]:
    """Starts and ends in s; scripts leave them unrounded."""
    if segments and isinstance(segments[0], dict):
        return [(round(s["start"], 6), round(s["end"], 6)) for s in segments]
    return [(s.start, s.end) for s in segments]


def scripts(*names: str) -> str:
    return HELPERS + "".join((FILES / f"{name}.js").read_text() for name in names)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_try_it(folder)
    return folder


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    """Half a minute of voices, silence and noise; 16 kHz, 16 bits."""
    parts = [generate("speech", (3, n), 4) for n in range(3)]
    silence, gusts = np.zeros(32000), 0.3 * generate("gusts", (3,), 4)
    parts[1] *= 1.1 / np.abs(parts[1]).max()  # as loud as can be
    waveform = np.concatenate([gusts, parts[0], silence, parts[1], gusts, 0.01 * parts[2], silence])
    path = tmp_path_factory.mktemp("audio") / "voices.wav"
    soundfile.write(path, to_int16(waveform)[:-70], 16000)
    return path


@pytest.fixture(scope="module")
def browser(recording):
    """A browser whose microphone hears the recording."""
    with launched(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={recording}",
        "--autoplay-policy=no-user-gesture-required",
    ) as browser:
        yield browser


@pytest.fixture(scope="module")
def blank(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def page(browser, site):
    """The page, opened from a folder; at the end nothing was wrong, and nothing left it."""
    page = browser.new_page()
    watch = Watch(page)
    page.goto((site / "index.html").as_uri())
    page.wait_for_function(DONE)
    yield page
    assert watch.complaints == []
    outside = [
        url for url in watch.requests if not url.startswith((site.as_uri(), "blob:", "data:"))
    ]
    assert outside == []
    page.close()


def scored(
    blank, samples: np.ndarray, cuts: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the scripts make of samples that come in pieces: mean, seeds, coefficients."""
    script = (
        "async ([module, weights, samples, cuts, options]) => {"
        + scripts("core", "scorer")
        + """
        const { instance } = await WebAssembly.instantiate(bytes(module));
        const core = new Core(instance.exports, bytes(weights), options.seeds.length);
        const scorer = new Scorer(core, options);
        const all = new Int16Array(bytes(samples).buffer);
        const parts = cuts.slice(1).map((end, n) => scorer.push(all.subarray(cuts[n], end)));
        parts.push(scorer.flush());
        const names = ["mean", "seeds", "coefficients"];
        return names.map((name) => parts.map((part) => text(part[name])));
    }"""
    )
    weights = b"".join(map(packed, MODEL.integers()))
    arguments = [MODULE.read_bytes(), weights, samples.astype("<i2").tobytes()]
    found = blank.evaluate(script, [*map(encoded, arguments), cuts, options()])
    mean, seeds, coefficients = (
        np.concatenate([decoded(part, kind) for part in parts])
        for parts, kind in zip(found, ("<f8", "<f4", "<i2"), strict=True)
    )
    return mean, seeds.reshape(-1, 10), coefficients.reshape(-1, 64)


@pytest.mark.parametrize("is_fresh", [False, True])
def test_the_module_has_the_bits_of_the_core(blank, is_fresh, tmp_path):
    """Logits of the C core, for each of ten models, on signals that reach its limits.

    Of the module in the package, and of one that is compiled from the sources as they are.
    """
    module = MODULE
    if is_fresh:
        needs("wasm32")
        module = tmp_path / MODULE.name
        write_several(module)
    samples = np.ravel(stream_signals())
    script = (
        "async ([module, weights, samples]) => {"
        + scripts("core")
        + """
        const { instance } = await WebAssembly.instantiate(bytes(module));
        const core = new Core(instance.exports, bytes(weights), 10);
        return text(core.push(new Int16Array(bytes(samples).buffer)).logits);
    }"""
    )
    weights = b"".join(map(packed, MODEL.integers()))
    arguments = [module.read_bytes(), weights, samples.astype("<i2").tobytes()]
    found = decoded(blank.evaluate(script, list(map(encoded, arguments))), "<i2")
    expected = Engine(MODEL.integers()).stream().push(samples)
    np.testing.assert_array_equal(found.reshape(-1, 10), expected)


@pytest.mark.parametrize("length", [0, 1, 159, 160, 800, 2400, 16000, 69993])
def test_scores_are_those_of_python_to_the_bit(blank, length):
    """Whatever pieces the samples come in; digital silence included."""
    random = np.random.default_rng(length)
    samples = to_int16(generate("speech", (7,), 5))[:length]
    samples[2000:9000] = 0
    cuts = [0, *sorted(random.integers(0, length + 1, 5).tolist()), length]
    mean, seeds, coefficients = scored(blank, samples, cuts)
    scorer = MODEL.scorer("10ms")
    expected = scorer.push(samples) + scorer.flush()
    assert mean.tolist() == expected
    assert len(seeds) == len(coefficients) == len(expected)
    for number in (0, 9):
        one = find_model(options()["seeds"][number]).scorer("10ms")
        alone = np.array(one.push(samples) + one.flush(), np.float32)
        np.testing.assert_array_equal(seeds[:, number], alone)


def test_segments_of_random_scores_are_those_of_python(blank):
    random = np.random.default_rng(5)
    cases = []
    for number in range(200):
        steps = int(random.integers(0, 400))
        logits = np.cumsum(random.normal(0, 0.4, steps)).clip(-3, 3)
        logits[random.random(steps) < 0.05] = -np.inf
        high = random.uniform(0.2, 0.8)
        rules = {
            "threshold": high,
            "offset_threshold": high * random.uniform(0.5, 1),
            "min_speech": float(random.choice([0, 0.05, 0.3])),
            "min_silence": float(random.choice([0, 0.1, 0.3])),
            "pad": float(random.choice([0, 0.02, 0.2])),
        }
        cases.append((rules, logits, steps * 0.01 - random.integers(0, 10) / 1000 * (number % 2)))
    script = (
        "(cases) => {"
        + scripts("segmenter")
        + """
        return cases.map(([rules, logits, duration]) => {
          const segmenter = new Segmenter(rules, 0.01);
          const half = logits.length >> 1;
          const all = new Float64Array(bytes(logits).buffer);
          const events = segmenter.push(all.subarray(0, half));
          return [...events, ...segmenter.push(all.subarray(half)), ...segmenter.flush(duration)];
        });
    }"""
    )
    found = blank.evaluate(
        script, [[r, encoded(x.astype("<f8").tobytes()), d] for r, x, d in cases]
    )
    count = 0
    for (rules, logits, duration), events in zip(cases, found, strict=True):
        segmenter = Segmenter(Rules(**rules), 0.01)
        expected = segmenter.push(logits.tolist()) + segmenter.flush(duration)
        assert [(e["kind"], round(e["time"], 6)) for e in events] == [
            (event.kind, event.time) for event in expected
        ]
        for event, twin in zip(events, expected, strict=True):
            if twin.segment:
                got = [event["segment"]["mean"], event["segment"]["peak"]]
                assert got == pytest.approx([twin.segment.mean, twin.segment.peak], abs=1e-12)
        count += len(expected)
    assert count > 400


def test_the_example_has_the_segments_of_detect(page):
    assert pairs(page.evaluate(SEGMENTS)) == pairs(detect(example()))


def test_browsers_without_ogg_get_the_example_as_mp3(browser, site):
    page = browser.new_page()
    page.add_init_script("HTMLMediaElement.prototype.canPlayType = () => ''")
    watch = Watch(page)
    page.goto((site / "index.html").as_uri())
    page.wait_for_function(DONE)
    assert any(url.endswith("example-mp3.js") for url in watch.requests)
    np.testing.assert_allclose(pairs(page.evaluate(SEGMENTS)), pairs(detect(example())), atol=0.1)
    page.close()


def choose(page, path: Path) -> None:
    """Choose a file, and wait for its segments."""
    page.set_input_files("#try-file", path)
    page.wait_for_function(f"atomicvadPage.recording.name === {path.name!r} && {DONE}")


def test_a_wave_file_has_the_bits_of_detect(page, recording):
    choose(page, recording)
    samples, _ = soundfile.read(recording, dtype="float32")
    scorer = MODEL.scorer("10ms")
    expected = scorer.push(to_int16(samples)) + scorer.flush()
    found = page.evaluate("() => {" + HELPERS + "return text(atomicvadPage.recording.mean.values)}")
    np.testing.assert_array_equal(decoded(found, "<f8"), expected)
    segments = detect(recording)
    assert pairs(page.evaluate(SEGMENTS)) == pairs(segments) and segments
    rows = "document.querySelectorAll('#try-segments tr').length"
    page.wait_for_function(f"{rows} === {len(segments)}")


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_other_rates_and_channels_are_near(page, recording, tmp_path, rate):
    """Two channels, through the page's own resampler."""
    samples, _ = soundfile.read(recording, dtype="float32")
    stereo = soxr.resample(samples, 16000, rate)[:, np.newaxis] * np.array([0.5, 1.5])
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.clip(stereo, -1, 1), rate)
    choose(page, path)
    found, expected = pairs(page.evaluate(SEGMENTS)), pairs(detect(path))
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_the_threshold_moves_segments_as_that_of_detect(page):
    slider = page.locator("#try-threshold")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    threshold = page.evaluate("atomicvadPage.rules.threshold")
    assert threshold == pytest.approx(RULES.threshold - 0.1)
    assert pairs(page.evaluate(SEGMENTS)) == pairs(detect(example(), threshold=threshold))
    page.locator("#try-reset").click()
    assert page.evaluate("atomicvadPage.rules.threshold") == RULES.threshold


def listen(page, seconds: float) -> None:
    """Listen to the microphone for so long."""
    page.click("#try-microphone")
    page.wait_for_function(
        "atomicvadPage.recording.name === 'The microphone' && "
        f"atomicvadPage.recording.seconds > {seconds}",
        timeout=60000,
    )
    assert page.inner_text("#try-microphone") == "Stop"
    page.click("#try-microphone")
    page.wait_for_function(DONE)


def test_the_microphone_is_scored_as_python_scores_what_it_heard(page):
    listen(page, 9)
    found = page.evaluate(
        "() => {" + HELPERS + "const { samples, mean } = atomicvadPage.recording;"
        "return [text(samples.values), text(mean.values)]}"
    )
    samples, mean = decoded(found[0], "<i2"), decoded(found[1], "<f8")
    scorer, segmenter = MODEL.scorer("10ms"), Segmenter(RULES, 0.01)
    logits = scorer.push(samples) + scorer.flush()
    np.testing.assert_array_equal(mean, logits)
    segments = segments_of(segmenter.push(logits) + segmenter.flush(len(samples) / 16000))
    assert pairs(page.evaluate(SEGMENTS)) == pairs(segments) and segments


def test_it_works_within_a_page_and_without_a_network(browser, site, recording, tmp_path):
    """The block in a page of another folder; the network is cut once the page is open."""
    (tmp_path / "static").symlink_to(site)
    (tmp_path / "index.html").write_text(
        '<!doctype html><html lang="en" data-theme="dark"><link rel="icon" href="data:,">'
        + block("static")
    )
    context = browser.new_context()
    page = context.new_page()
    watch = Watch(page)
    with served(tmp_path) as address:
        page.goto(f"{address}/index.html")
        page.wait_for_function(DONE)
    ground = "getComputedStyle(document.querySelector('#try-it')).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 24, 29)"  # the page's own dark style
    context.set_offline(True)
    choose(page, recording)
    assert pairs(page.evaluate(SEGMENTS)) == pairs(detect(recording))
    page.click("#try-example")
    page.wait_for_function(f"atomicvadPage.recording.name === 'The example' && {DONE}")
    listen(page, 1)
    assert page.evaluate("atomicvadPage.recording.probability") > 0
    assert watch.complaints == []
    context.close()


def test_a_page_without_a_microphone_says_so(browser, site):
    page = browser.new_page()
    page.add_init_script("delete Navigator.prototype.mediaDevices")
    page.goto((site / "index.html").as_uri())
    page.wait_for_function(DONE)
    page.click("#try-microphone")
    page.wait_for_function("document.querySelector('#try-status').textContent.includes('https')")
    page.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [("NotAllowedError", "not allowed"), ("NotFoundError", "No microphone"), ("Odd", "cannot be")],
)
def test_a_microphone_that_cannot_be_had_is_explained(browser, site, name, words):
    page = browser.new_page()
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => {"
        f"throw Object.assign(new Error('why'), {{ name: {name!r} }}) }}"
    )
    page.goto((site / "index.html").as_uri())
    page.wait_for_function(DONE)
    page.click("#try-microphone")
    page.wait_for_function(f"document.querySelector('#try-status').textContent.includes('{words}')")
    assert page.locator("#try-microphone").is_enabled()
    page.close()


def test_a_file_without_audio_is_explained(page, tmp_path):
    path = tmp_path / "notes.wav"
    path.write_bytes(b"no audio" * 20)
    page.set_input_files("#try-file", path)
    page.wait_for_function(
        "document.querySelector('#try-status').textContent.startsWith('notes.wav cannot be opened')"
    )
    assert page.evaluate(SEGMENTS)  # what was there stays


def test_what_was_chosen_last_is_shown(browser, site, recording):
    """A recording that is chosen while the example is still being read."""
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.wait_for_function("!document.querySelector('#try-sources').disabled")
    choose(page, recording)
    page.evaluate("atomicvadPage.loadExample()")
    assert page.evaluate("atomicvadPage.recording.name") == "The example"
    page.evaluate("void atomicvadPage.loadExample()")
    page.set_input_files("#try-file", recording)
    page.wait_for_function(f"atomicvadPage.recording.name === {recording.name!r} && {DONE}")
    page.wait_for_timeout(300)
    assert page.evaluate("atomicvadPage.recording.name") == recording.name
    page.close()


def test_the_microphone_answers_soon(page):
    """A probability within 2 s of pressing the button, in the best of three.

    Half a second of them is the detector's delay.
    """
    seconds = []
    while len(seconds) < 3 and min(seconds, default=2) >= 2:
        page.click("#try-microphone")
        began = time.perf_counter()
        page.wait_for_function(
            "atomicvadPage.recording.name === 'The microphone' && "
            "!atomicvadPage.recording.isDone && atomicvadPage.recording.probability > 0"
        )
        seconds.append(time.perf_counter() - began)
        page.click("#try-microphone")
        page.wait_for_function(DONE)
    print("first probability from the microphone:", *(f"{value:.2f} s" for value in seconds))
    assert min(seconds) < 2


def test_the_first_probability_comes_within_a_second(browser, site):
    """After the page is opened, by the browser's clock; in the best of three on a busy machine."""
    seconds = []
    while len(seconds) < 3 and min(seconds, default=1) >= 1:
        page = browser.new_page()
        page.goto((site / "index.html").as_uri())
        clock = page.wait_for_function(
            "atomicvadPage.recording.probability > 0 && performance.now()"
        )
        seconds.append(clock.json_value() / 1000)
        page.close()
    print("first probability:", *(f"{value:.2f} s" for value in seconds))
    assert min(seconds) < 1


def test_ten_minutes_of_mp3_take_less_than_ten_seconds(page, tmp_path):
    """In the better of two."""
    path = tmp_path / "long.mp3"
    soundfile.write(path, np.tile(generate("speech", (9,), 30), 20), 16000)
    seconds = []
    while len(seconds) < 2 and min(seconds, default=10) >= 10:
        began = time.perf_counter()
        choose(page, path)
        seconds.append(time.perf_counter() - began)
        assert page.evaluate("atomicvadPage.recording.seconds") == pytest.approx(600, abs=1)
        page.evaluate("atomicvadPage.loadExample()")
    print("ten minutes of MP3:", *(f"{value:.1f} s" for value in seconds))
    assert min(seconds) < 10


def test_it_fits_and_can_be_read(page):
    """No overflow, every control has a name, and buttons are large enough for a thumb."""
    faults = """[...document.querySelectorAll("button, input, select")].filter((it) =>
      !(it.ariaLabel || it.labels?.length || it.textContent.trim())
      || it.getBoundingClientRect().height < 36).map((it) => it.id)"""
    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(faults) == []


def test_a_segment_is_played_and_the_cursor_goes_with_it(page):
    page.select_option("#try-span", "10")
    page.evaluate("""() => {
      const { view } = atomicvadPage;
      const show = view.show.bind(view);
      const text = (name) => document.getElementById(name).textContent;
      view.seen = [];
      view.show = () => {
        show();
        view.seen.push([view.cursor, text("try-state"), text("try-play")]);
      };
    }""")
    first, second = pairs(page.evaluate(SEGMENTS))[:2]
    page.locator("#try-segments button").first.click()
    page.wait_for_function(f"atomicvadPage.view.cursor > {first[0]}")
    page.locator("#try-segments button").nth(1).click()  # another one, meanwhile
    page.wait_for_function(
        f"atomicvadPage.view.cursor > {second[0]} && !atomicvadPage.player.source"
    )
    seen = page.evaluate("atomicvadPage.view.seen")
    for start, end in (first, second):
        assert ["speech", "Pause"] in [words for at, *words in seen if start < at < end]
    assert page.inner_text("#try-play") == "Play"
    page.click("#try-play")  # from there to the recording's end
    assert page.inner_text("#try-play") == "Pause"
    page.locator("#try-wave").click()
    assert page.evaluate("atomicvadPage.player.position") is None
    assert page.inner_text("#try-play") == "Play"


def test_pictures_stand_still_for_who_wants_it(page):
    """At most two in a second, from the microphone, and one more for each of its ends."""
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("""() => {
      const { view } = atomicvadPage;
      const show = view.show.bind(view);
      view.shows = 0;
      view.show = () => (view.shows++, show());
    }""")
    began = time.perf_counter()
    listen(page, 2)
    most = 2 * (time.perf_counter() - began) + 2
    assert 1 <= page.evaluate("atomicvadPage.view.shows") <= most


def test_everything_can_be_reached_with_the_keyboard(page):
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert reached >= {
        *("try-microphone", "try-file", "try-example", "try-play", "try-position", "try-span"),
        *("try-threshold", "try-reset", "unit-block", "unit-seed", "unit-w1", "unit-b2"),
    }


def test_the_unit_follows_its_sliders(page):
    page.select_option("#unit-block", "1")
    page.select_option("#unit-seed", label="79511")
    weights = find_model("79511").members[0]
    shown = [float(page.input_value(f"#unit-{name}")) for name in ("w1", "w2", "b1", "b2")]
    assert shown == pytest.approx([float(value[0]) for value in weights[18:22]], abs=0.006)
    before = page.evaluate("document.querySelector('#unit-curve').toDataURL()")
    page.locator("#unit-w2").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelector('#unit-curve').toDataURL()") != before
