"""All figures of the results, drawn and saved."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from atomicvad.config import Settings
from atomicvad.files import ATLAS, DEVICE_FUNCTIONS, SUMMARY
from atomicvad.report import curves, device_figures, figures, real_figures, system_figures
from atomicvad.report.collate import all_metrics, histories, read_systems, reference_summary
from atomicvad.report.device_files import read_device
from atomicvad.report.real_tables import read_real, real_folder, seconds_of
from atomicvad.report.style import save
from atomicvad.scoring.scores import recorded_labels


def draw_results(settings: Settings) -> list[Path]:
    """Every figure of the results, from the tables and scores in the results folder alone."""
    folder = settings.figures_folder
    summary = pd.read_csv(settings.results_folder / SUMMARY)
    drawn = {
        "training_curves": figures.training_curves(histories(settings)),
        "roc_by_condition": figures.roc_by_condition(
            curves.segment_scores(settings),
            recorded_labels(settings),
            settings.evaluation.fpr_target,
        ),
        "auroc_by_seed": figures.auroc_by_seed(
            all_metrics(settings), summary, reference_summary(settings)
        ),
    }
    stretch = curves.scene_stretch(settings, seconds=40)
    if len(stretch["waveform"]):  # without audio the committed one stays
        drawn["timeline"] = figures.timeline(**stretch)
    systems = read_systems(settings)
    drawn["auroc_by_system"] = system_figures.auroc_by_system(systems)
    drawn["reliability"] = system_figures.reliability(curves.reliability_curves(settings))
    drawn["latencies"] = system_figures.latencies(systems)
    if (atlas := settings.results_folder / ATLAS).is_file():
        drawn["atlas"] = system_figures.atlas_map(pd.read_csv(atlas))
    if real := real_folder(settings):
        table = read_real(real)
        drawn["real_auroc"] = real_figures.real_auroc(table)
        drawn["real_lengths"] = real_figures.real_lengths(table, seconds_of(real))
        drawn["real_categories"] = real_figures.real_categories(table)
    if (functions := read_device(settings, DEVICE_FUNCTIONS)) is not None:
        drawn["device_instructions"] = device_figures.instructions_figure(functions, "stream")
    if settings.model.activation == "ggcu":
        weights = curves.activation_weights(settings)
        drawn["activation_curves"] = figures.activation_curves(weights)
    paths = [save(figure, folder, name) for name, figure in drawn.items()]
    for figure in drawn.values():
        plt.close(figure)
    return paths
