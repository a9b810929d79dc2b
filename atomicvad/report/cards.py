"""MODEL_CARD.md and DATA_CARD.md: their tables, written between marks."""

from atomicvad.config import Settings
from atomicvad.report.data_card import DATA_BLOCKS
from atomicvad.report.model_card import MODEL_BLOCKS
from atomicvad.report.tables import write_blocks

CARDS = {"MODEL_CARD.md": MODEL_BLOCKS, "DATA_CARD.md": DATA_BLOCKS}


def card_blocks(settings: Settings) -> dict[str, dict[str, str]]:
    """By card and mark: what stands there, in Markdown."""
    return {
        card: {mark: block(settings) for mark, block in blocks.items()}
        for card, blocks in CARDS.items()
    }


def write_cards(settings: Settings) -> None:
    """Put every table between its marks in both cards."""
    for card, blocks in card_blocks(settings).items():
        for mark, text in blocks.items():
            write_blocks({card: text}, f"<!-- {mark}:start -->", f"<!-- {mark}:end -->")
