"""All systems by the same rules: tables from shipped scores, stages, the ledger, the atlas."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.metrics import roc_auc_score

from atomicvad import config
from atomicvad.config import load_profile, settings_from
from atomicvad.corpora.clips import read_labels
from atomicvad.data.prepare import prepare
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation import atlas, systems
from atomicvad.evaluation.items import ClipSet, recorded_clips
from atomicvad.evaluation.seed_table import seed_metrics
from atomicvad.evaluation.smoothing import auroc_by_width
from atomicvad.files import BACKGROUNDS
from atomicvad.metrics import binary_metrics
from atomicvad.model import build_model, build_network, save_model
from atomicvad.report import ledger, tables
from atomicvad.runs import seed as seed_runs
from atomicvad.runs import state
from atomicvad.runs import systems as other_systems
from atomicvad.runs.folder import RunFolder
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.models import seed_models
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.protocols import score_set
from atomicvad.scoring.scores import is_of_these_clips, load_scores, recorded_labels

TINY = {
    "corpus": "smoke",
    "seeds": [5, 6],
    "windows": {
        "stride_seconds": {"speech": 0.3, "background": 0.3},
        "counts": {"training": 64, "validation": 32, "testing": 32},
    },
    "scenes": {"clips": 2, "clip_seconds": 40},
    "evaluation": {"resamples": 50},
}


@pytest.fixture(scope="module")
def scored(root):
    """A profile whose two seeds are untrained networks, scored with two peers beside them."""
    settings = settings_from(TINY, "tests", "scored")
    for seed in settings.seeds:
        model = build_model(build_network(seed=seed))
        save_model(model, settings.run_folder(seed) / "model.keras")
    patch = pytest.MonkeyPatch()
    patch.setattr(other_systems, "PEERS", {name: PEERS[name] for name in ("energy", "webrtc")})
    patch.delenv("ATOMICVAD_PUBLISHED", raising=False)
    assert seed_runs.score_seeds(settings, list(settings.seeds)) == [5, 6]
    said = other_systems.score_other_systems(settings)
    assert (
        said["energy"] == said["webrtc"] == "scored" and "ATOMICVAD_PUBLISHED" in said["released"]
    )
    assert other_systems.score_other_systems(settings)["webrtc"] == "up to date"
    patch.undo()
    return settings


@pytest.fixture(scope="module")
def evaluated(scored):
    return systems.evaluate(scored)


def test_scoring_again_never_trains(scored, monkeypatch):
    def forbidden(*_):
        raise AssertionError("trained")

    monkeypatch.setattr(seed_runs, "train", forbidden)
    folder = RunFolder(scored, 5)
    folder.history.touch()
    folder.record.write_text("{}")
    state.mark_current(folder, "weights", state.weights_fingerprint(scored, 5))
    scores = folder.scores.read_bytes()
    other = scored.evaluation.model_copy(update={"threshold": 0.6})
    changed = scored.model_copy(update={"evaluation": other})
    assert state.is_trained(changed, 5) and not state.is_scored(changed, 5)
    assert state.has_scores(changed, 5)  # a threshold asks for another table only
    table = seed_runs.run_seed(changed, 5)
    assert len(table) and state.is_done(changed, 5) and folder.scores.read_bytes() == scores
    assert seed_runs.run_seed(scored, 5).equals(pd.read_csv(scored.run_folder(5) / "metrics.csv"))


def test_files_of_another_run_are_not_current(scored):
    """Such as committed scores, put back over one's own: the stamp is of the files themselves."""
    folder = RunFolder(scored, 6)
    assert state.is_scored(scored, 6)
    content = folder.scores.read_bytes()
    folder.scores.write_bytes(RunFolder(scored, 5).scores.read_bytes())
    assert not state.has_scores(scored, 6) and not state.is_scored(scored, 6)
    folder.scores.write_bytes(content)
    assert state.is_scored(scored, 6)


def test_scores_of_other_scenes_are_refused_or_left_out(scored, tmp_path):
    record = scored.results_folder / "scenes.json"
    kept = record.read_text()
    try:
        record.write_text(json.dumps({"testing": "0", "validation": "0"}))
        with pytest.raises(AtomicVADError, match="scores of other scenes; atomicvad score"):
            load_scores(scored.run_folder(5) / "scores.npz", scored)
        path = scored.results_folder / "systems" / "energy" / "scores.npz"
        assert not is_of_these_clips(path, scored)
        assert list(systems.system_files(scored)) == ["atomicvad"]
    finally:
        record.write_text(kept)


def test_every_row_has_its_columns_and_an_interval_around_its_value(evaluated):
    table, paired = evaluated
    assert list(table.columns) == systems.COLUMNS
    assert not table.duplicated(["system", "protocol", "condition", "metric"]).any()
    bounded = table[table["metric"].isin(["auroc", "f2", "recall"])]
    assert (bounded["low"] <= bounded["value"] + 0.02).all()
    assert (bounded["high"] >= bounded["value"] - 0.02).all()
    assert set(table["system"]) == {"atomicvad", "integer", "stream", "energy", "webrtc"}
    assert {"false_alarms_per_hour noise", "onset_latency_p95"} <= set(table["metric"])
    assert (
        set(paired["other"]) == {"integer", "stream", "energy", "webrtc"}
        and paired["p"].between(0, 1).all()
    )


def test_values_are_scikit_learns_means_over_seeds(scored, evaluated):
    table = evaluated[0].set_index(["system", "protocol", "condition", "metric"])["value"]
    scores, clips = systems.load_system("atomicvad", scored)["testing"], recorded_clips(scored)
    for protocol in (
        "swi-median",
        "swi-mean",
        "spi-window",
        "swi-median-duration",
        "frame",
        "frame-covered",
    ):
        found = []
        for member in range(2):
            items = clips.items(scores, "atomicvad", member, protocol)
            kept = ~items.speech | (items.condition == "noise")
            weights = None if items.seconds is None else items.seconds[kept]
            probability = 1 / (1 + np.exp(-items.scores[kept].astype(float)))
            found.append(binary_metrics(items.speech[kept], probability, weights=weights))
        for metric, value in pd.DataFrame(found).mean().items():
            assert table["atomicvad", protocol, "noise", metric] == pytest.approx(value, abs=1e-6)


def test_a_width_of_frames_is_judged_on_the_validation_scenes(scored):
    table = auroc_by_width(scored, (0.0, 0.63))
    assert table["smoothing_seconds"].tolist() == [0, 0, 0.63, 0.63]
    clips = recorded_clips(scored, "validation")  # with the width of the profile, 0.63 s
    items = clips.items(
        systems.load_system("atomicvad", scored)["validation"], *("atomicvad", 1, "frame")
    )
    assert table["auroc"].iloc[3] == pytest.approx(roc_auc_score(items.speech, items.scores))
    assert table["auroc"].nunique() > 2


def test_seed_tables_and_systems_agree(scored, evaluated):
    seeds = [pd.read_csv(scored.run_folder(seed) / "metrics.csv") for seed in scored.seeds]
    means = pd.concat(seeds).groupby(["protocol", "condition", "metric"])["value"].mean()
    ours = evaluated[0].query("system == 'atomicvad'")
    ours = ours.set_index(["protocol", "condition", "metric"])["value"]
    both = pd.concat([means.rename("seeds"), ours], axis=1, join="inner")
    assert len(both) == len(means)
    np.testing.assert_allclose(both["seeds"], both["value"], atol=1e-6)


def test_backgrounds_are_what_the_recipe_mixed(scored, evaluated):
    kinds = pd.read_csv(scored.results_folder / BACKGROUNDS, keep_default_na=False)["kind"]
    labels = recorded_labels(scored)
    assert set(kinds[~labels["speech"]]) == {"noise", "music"}
    assert set(kinds[labels["speech"]]) == {""}


def test_tables_to_read_have_a_row_a_system(scored, evaluated):
    table, paired = evaluated
    paired.to_csv(scored.results_folder / "paired.csv", index=False)
    for made in (
        tables.system_table,
        tables.by_protocol,
        tables.decision_table,
        tables.event_table,
    ):
        assert list(made(table).index) == [
            systems.title(n, 1) for n in ("atomicvad", "integer", "stream", "energy", "webrtc")
        ]
    assert len(tables.paired_table(scored)) == 8
    assert len(tables.peer_table(scored)) == 4


def test_integers_are_scored_as_floating_point_is(scored, evaluated):
    """The window form is within rounding; the stream has an output for every 10 ms."""
    table = evaluated[0].set_index(["system", "protocol", "condition", "metric"])["value"]
    for protocol in ("swi-median", "spi-median", "frame"):
        ours, integers = (
            table[name, protocol, "all", "auroc"] for name in ("atomicvad", "integer")
        )
        assert integers == pytest.approx(ours, abs=0.01)
    outputs = systems.load_system("stream", scored)["testing"]
    assert (outputs["output_counts"] == -(-outputs["clip_samples"] // 160)).all()
    assert outputs["outputs"].shape == (outputs["output_counts"].sum(), 2)


def test_the_ledger_takes_its_cells_from_the_table(scored):
    cells = {"auroc_hard": 0.6, "auroc": 0.8, "accuracy": 0.7, "f2": 0.75}
    rows = [
        ("released", protocol, "all", metric, value, value, value, 5)
        for protocol in ("swi-median", "as-released")
        for metric, value in cells.items()
    ]
    found = ledger.ledger(scored, pd.DataFrame(rows, columns=systems.COLUMNS))
    assert list(found.columns) == ledger.COLUMNS
    first = found.iloc[0]
    assert first["printed"] == "0.903"
    assert [first["as_released_code"], first["correct"]] == [0.6, 0.8]
    assert first["difference"] == pytest.approx(0.2)
    assert found["source"].str.len().min() > 0 and found["why"].str.len().min() > 0
    assert first["why"].endswith("(5 of 10 checkpoints)")
    # The released evaluation takes F2 of the speech column, as here.
    f2 = found.set_index("quantity").loc["F2 (SWI median)"]
    assert f2["as_released_code"] == f2["correct"] == 0.75 and f2["difference"] == 0


def test_every_cell_that_the_ledger_names_exists(monkeypatch):
    root = Path(systems.__file__).parents[2]
    monkeypatch.setattr(config, "project_root", lambda: root)
    committed = root / "results" / "open" / "systems.csv"
    table = pd.read_csv(committed)
    known = set(table[["system", "protocol", "condition", "metric"]].agg("|".join, axis=1))
    source = pd.read_csv(
        Path(ledger.__file__).with_name("printed.csv"), dtype=str, keep_default_na=False
    )
    costs = ledger.device_values(load_profile("open").reference)
    named = pd.concat([source["as_released_code"], source["correct"]])
    assert {
        name for name in named if "|" in name and "-first" not in name and "as-" not in name
    } <= known | set(costs)


def test_the_released_floor_hangs_on_the_batch_and_ours_does_not(tmp_path, scored):
    """A quiet segment's windows beside a loud one's, and alone: the same where levels are alike."""
    from atomicvad.scoring.released_checkpoints import batch_floor_scores

    (tmp_path / "audio").mkdir()
    generator, model = np.random.default_rng(0), build_model(build_network(seed=2))
    level = np.repeat([1e-5, 0.5], 16000)
    waveform = (generator.normal(0, 0.3, 32000).clip(-1, 1) * level).astype(np.float32)
    soundfile.write(tmp_path / "audio" / "a.wav", waveform, 16000, subtype="FLOAT")
    (tmp_path / "labels.csv").write_text("a,900.0,902.0,NO_SPEECH\n")
    together = batch_floor_scores([model], tmp_path, scored)[:, 0]
    windows = np.stack([waveform[s : s + 10080] for s in (0, 21920)])
    own = logit_score(model)(windows)[:, 0]
    assert abs(together[0] - own[0]) > 1e-3
    assert together[-1] == pytest.approx(own[1], abs=1e-4)


def test_the_atlas_is_the_same_twice_and_keeps_rows_of_others(scored, monkeypatch):
    store = prepare(scored)
    monkeypatch.setattr(atlas, "PEERS", {name: PEERS[name] for name in ("energy", "webrtc")})
    path = scored.results_folder / "atlas.csv"
    gone = {
        "system": "ten",
        "group": "speech",
        "case": "x",
        "speech": True,
        "right": 1,
        "pieces": 12,
    }
    pd.DataFrame([gone]).to_csv(path, index=False)
    models = {"atomicvad": seed_models(scored, scored.seeds)}
    first = atlas.make_atlas(scored, store, models)
    with monkeypatch.context() as peers_do_nothing:
        peers_do_nothing.setattr(atlas, "_peer_medians", lambda *a: pytest.fail("scored again"))
        again = atlas.make_atlas(scored, store, models)
    pd.testing.assert_frame_equal(first, again)
    assert set(first["system"]) == {"atomicvad", "energy", "webrtc", "ten"}
    assert first["right"].between(0, 1).all()
    # Another version of a package is heard anew.
    made_from = path.with_suffix(".json").read_text()
    path.with_suffix(".json").write_text(made_from.replace('"energy": "', '"energy": "old'))
    pd.testing.assert_frame_equal(first, atlas.make_atlas(scored, store, models))
    assert path.with_suffix(".json").read_text() == made_from
    cases = first[first["system"] == "atomicvad"]["case"]
    assert {"digital silence", "clipped, 20 dB over", "telephone", "noise at -10 dB"} <= set(cases)
    # The scores beside the table are those that it judged: of one seed, each piece can be counted.
    scores = pd.read_csv(path.with_name("atlas_scores.csv"))
    assert set(scores["system"]) == {"atomicvad", "energy", "webrtc"}
    energy = scores[scores["system"] == "energy"].merge(first, on=["system", "case"])
    right = (energy["score"] > energy["threshold"]) == energy["speech"]
    clear = (energy["score"] - energy["threshold"]).abs() > 0.001  # three digits are written
    expected = energy.drop_duplicates("case").set_index("case")["right"]
    found = right.where(clear).groupby(energy["case"]).mean()
    whole = clear.groupby(energy["case"]).all()
    assert whole.any()
    pd.testing.assert_series_equal(
        found[whole].astype(float),
        expected.reindex(found.index)[whole],
        check_names=False,
        atol=1e-5,
    )


def test_cases_are_of_testing_recordings(scored):
    store = prepare(scored)
    store.recordings.loc[store.recordings["split"] != "testing", "samples"] = 0
    assert all(len(c.waveform) == 12 * 32000 for c in atlas.build_cases(store, scored))


def test_a_folder_like_ava_speech_runs_through_the_same_code(scored, tmp_path):
    """Video names with dashes, MP3 at 44.1 kHz in stereo, times from 900 s, a repeated row."""
    generator, rows = np.random.default_rng(0), []
    (tmp_path / "audio").mkdir()
    for name in ("-5KQ66BBWC4", "_mAfwH6i90E"):
        sound = generator.normal(0, 0.1, (44100 * 12, 2)).clip(-1, 1)
        soundfile.write(tmp_path / "audio" / f"{name}.mp3", sound, 44100, format="MP3")
        for start, label in zip(
            (900.0, 902.5, 905.3, 908.0),
            ("NO_SPEECH", "CLEAN_SPEECH", "SPEECH_WITH_NOISE", "SPEECH_WITH_MUSIC"),
            strict=True,
        ):
            rows.append(f"{name},{start:.2f},{start + 2.5:.2f},{label}")
        rows.append(rows[-4])
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    score = logit_score(build_model(build_network(seed=1)))
    clips, scores = (
        ClipSet(scored, read_labels(tmp_path / "labels.csv")),
        score_set(score, tmp_path, scored),
    )
    ids = {"seed": 1, "variant": "v", "dataset": "ava-speech"}
    table = seed_metrics(clips, scores, "atomicvad", scored, **ids)
    assert table["value"].between(0, 1).all()
    assert set(table["condition"]) == {"all", "clean", "noise", "music"}
    assert set(table["dataset"]) == {"ava-speech"}


def test_numbers_have_the_digits_of_their_kind(scored):
    """The ledger counts parameters in whole numbers, and false alarms are whole as well."""
    path = scored.results_folder / "ledger.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = "a,b,c,298.0000,298.0000,0.0000,x\na,AUROC,c,0.7530,0.8593,0.1063,x\n"
    cells += "a,latency (ms),c,,19.2225,,x\n"
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    heading = "system,quantity,test_set,as_released_code,correct,difference,why\n"
    path.write_text(heading + cells.replace("a,b", "a,parameters"), encoding="utf-8")
    try:
        shown = tables.ledger_table(scored).iloc[:, 1:4].to_numpy().tolist()
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")
    assert shown == [["298", "298", "0"], ["0.753", "0.859", "+0.106"], ["", "19.2", ""]]
    rows = [
        ("energy", "frame-causal", "all", metric, 1234.56, 1200.4, 1250.4, 1)
        for metric in ("false_alarms_per_hour", "onset_latency_p50")
    ]
    events = tables.event_table(pd.DataFrame(rows, columns=systems.COLUMNS))
    assert events.loc["Energy"].tolist() == ["1234.56 [1200.40, 1250.40]", "1235 [1200, 1250]"]
