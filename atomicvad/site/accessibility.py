"""What Sphinx's pages lack for keyboards, screen readers and phones (w3.org/TR/WCAG22).

Tables and wide pictures scroll within their own boxes; on a phone tables of prose become cards.
"""

from copy import copy

from bs4 import BeautifulSoup, Tag

WIDE = 1000  # pixels of a picture, two for each of a page, from which on a phone is too narrow
PROSE = 60  # characters of a cell, from which on a table is one of prose
LANDMARKS = {"aside.sidebar-drawer": "pages", "aside.toc-drawer": "sections of this page"}


def accessible(page: str) -> str:
    """The HTML of a page, with names for its parts, and boxes that a keyboard can scroll."""
    soup = BeautifulSoup(page, "html.parser")
    for place, name in LANDMARKS.items():
        for part in soup.select(place):
            part["aria-label"] = name
    for caption in soup.select("p.caption[role=heading]"):
        caption["aria-level"] = "2"
    for text in soup.select("pre"):
        text["tabindex"] = "0"
    for table in soup.select("article table"):
        _improve(table, soup)
    for picture in soup.select("article :not(picture) > img"):  # which has a narrow one as well
        width = str(picture.get("width", str(WIDE)))
        if not width.isdigit() or int(width) >= WIDE:
            _scroll(picture, soup)
    return str(soup)


def _scroll(picture: Tag, soup: BeautifulSoup) -> None:
    """Put a wide picture, with the cursor over it, into a box of its own."""
    whole = picture
    if picture.find_next_sibling("span", attrs={"data-cursor": True}) and picture.parent:
        whole = picture.parent
    _add_class(whole, "wide")
    whole.wrap(_box(f"figure: {picture.get('alt') or 'without text'}", soup))


def _box(name: str, soup: BeautifulSoup) -> Tag:
    """A box that is scrolled with a finger, or by keys."""
    attributes = {"class": "scroll", "role": "group", "tabindex": "0", "aria-label": name}
    return soup.new_tag("div", attrs=attributes)


def _improve(table: Tag, soup: BeautifulSoup) -> None:
    """Wrap a table; of one of prose, name the column in every cell."""
    if prose := [cell for cell in table.select("tbody td") if len(cell.get_text()) > PROSE]:
        _label(table)
    for cell in prose:
        _add_class(cell, "prose")
    for cell in table.select("th"):
        if not cell.get_text(strip=True):
            cell.name = "td"
    heading = table.find_previous(["h1", "h2", "h3", "h4"])
    name = f"table: {heading.find(string=True)}" if heading else "table"
    table.wrap(_box(name, soup))


def _label(table: Tag) -> None:
    """Give every cell the name of its column, and rows of one heading a copy of it each."""
    rows = [
        [cell.get_text(" ", strip=True) for cell in row.find_all("th")]
        for row in table.select("thead tr")
    ]
    names = ["".join(dict.fromkeys(parts)) for parts in zip(*rows, strict=False)]
    if len(names) < 3 or not any(names):
        return
    _add_class(table, "cards")
    body = table.select("tbody tr")
    for number, row in enumerate(body):
        for place, cell in enumerate(row.find_all(["th", "td"])):
            span = int(str(cell.get("rowspan", "1")))
            for below in body[number + 1 : number + span]:
                repeated = copy(cell)
                del repeated["rowspan"], repeated["id"]
                _add_class(repeated, "repeated")
                below.insert(place, repeated)
    for row in body:
        for cell, name in zip(row.find_all(["th", "td"]), names, strict=False):
            cell["data-label"] = name
            if not cell.get_text(strip=True):
                _add_class(cell, "blank")


def _add_class(part: Tag, name: str) -> None:
    part["class"] = " ".join([*part.get_attribute_list("class"), name])
