"""Documents for tests: PDF with Korean text, Word and Hangul files as zips of XML."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import docx
from docx.oxml.ns import qn


def pdf(pages: Sequence[Sequence[str]], *, outline: Mapping[str, int] | None = None) -> bytes:
    """A PDF: lines of each page, in a font of 16-bit codes that ToUnicode explains.

    Args:
        pages: lines from the top.
        outline: headings, and the pages from 0 where they begin.
    """
    letters = sorted({char for page in pages for line in page for char in line})
    codes = {char: code for code, char in enumerate(letters, 1)}
    pairs = "\n".join(f"<{codes[c]:04x}> <{c.encode('utf-16-be').hex()}>" for c in letters)
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def "
        "/CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange "
        f"{len(letters)} beginbfchar\n{pairs}\nendbfchar endcmap end end"
    )
    bodies = ["<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>", "", "", "", "", ""]
    bodies[2] = "<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H " + (
        "/DescendantFonts [4 0 R] /ToUnicode 5 0 R >>"
    )
    bodies[3] = "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /DW 1000 /CIDSystemInfo " + (
        "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>"
    )
    bodies[4] = f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream"
    kids = []
    for lines in pages:
        shown = "".join(
            f"<{''.join(f'{codes[c]:04x}' for c in line)}> Tj 0 -16 Td\n" for line in lines
        )
        content = f"BT /F 12 Tf 50 780 Td\n{shown}ET"
        bodies.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(bodies)} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>"
        )
        kids.append(len(bodies))
    bodies[1] = (
        f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{k} 0 R' for k in kids)}] >>"
    )
    marks = list((outline or {}).items())
    first = len(bodies) + 1
    bodies[5] = "<< /Type /Outlines >>"
    if marks:
        bodies[5] = f"<< /Type /Outlines /First {first} 0 R /Last {first + len(marks) - 1} 0 R >>"
    for at, (title, page) in enumerate(marks):
        after = f"/Next {first + at + 1} 0 R" if at + 1 < len(marks) else ""
        text = "feff" + title.encode("utf-16-be").hex()
        bodies.append(f"<< /Title <{text}> /Parent 6 0 R /Dest [{kids[page]} 0 R /Fit] {after} >>")
    made, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"<< /Size {len(bodies) + 1} /Root 1 0 R >>\nstartxref\n{len(made)}\n%%EOF\n"
    return (
        made + f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}trailer\n{trailer}".encode()
    )


def word(build: Sequence[tuple[str, str]], table: Sequence[Sequence[str]] = ()) -> bytes:
    """A Word document of (style, text), and a table at its end; "break" is Word's page break."""
    made = docx.Document()
    for style, text in build:
        paragraph = made.add_paragraph(style=None if style == "break" else style)
        run = paragraph.add_run()
        if style == "break":
            run._r.append(run._r.makeelement(qn("w:lastRenderedPageBreak"), {}))
        run.add_text(text)
    if table:
        added = made.add_table(len(table), len(table[0]))
        for row, cells in enumerate(table):
            for column, cell in enumerate(cells):
                added.cell(row, column).text = cell
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def zipped(parts: Mapping[str, str | bytes], *, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return file.getvalue()


_HP = "http://www.hancom.co.kr/hwpml/2011/paragraph"
_HEADER = """<?xml version="1.0"?><hh:head xmlns:hh="http://www.hancom.co.kr/hwpml/2011/head">
<hh:refList><hh:paraProperties><hh:paraPr id="0"><hh:heading type="NONE" level="0"/></hh:paraPr>
<hh:paraPr id="1"><hh:heading type="OUTLINE" level="0"/></hh:paraPr></hh:paraProperties>
<hh:styles><hh:style id="0" name="바탕글"/><hh:style id="3" name="개요 2"/></hh:styles>
</hh:refList></hh:head>"""


def hwpx(
    paragraphs: str, *, manifest: str = "<manifest/>", more: Mapping[str, bytes] | None = None
) -> bytes:
    """A .hwpx file of one section.

    Args:
        paragraphs: the XML inside `hs:sec`; `hp` is the prefix of paragraphs.
        manifest: META-INF/manifest.xml.
        more: further parts.
    """
    section = (
        f'<?xml version="1.0"?><hs:sec xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" '
        f'xmlns:hp="{_HP}">{paragraphs}</hs:sec>'
    )
    parts: dict[str, str | bytes] = {
        "mimetype": "application/hwp+zip",
        "META-INF/manifest.xml": manifest,
        "Contents/header.xml": _HEADER,
        "Contents/section0.xml": section,
    }
    return zipped({**parts, **(more or {})})


def hwpx_paragraph(text: str, *, shape: int = 0, style: int = 0, place: int | None = 0) -> str:
    """The XML of a paragraph."""
    lines = (
        ""
        if place is None
        else f'<hp:linesegarray><hp:lineseg textpos="0" vertpos="{place}"/></hp:linesegarray>'
    )
    return (
        f'<hp:p id="0" paraPrIDRef="{shape}" styleIDRef="{style}" pageBreak="0">'
        f'<hp:run charPrIDRef="0"><hp:t>{escape(text)}</hp:t></hp:run>{lines}</hp:p>'
    )
