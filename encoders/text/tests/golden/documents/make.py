"""Documents as their own libraries write them, and the text that was put in.

    python make.py        (python-docx 1.2, python-pptx 1.0, odfpy 1.4, EbookLib 0.20)
"""

import json
from pathlib import Path

import docx
from ebooklib import epub
from odf import text as odf
from odf.opendocument import OpenDocumentText
from pptx import Presentation
from pptx.util import Inches

HERE = Path(__file__).parent
LINES = ["A green car & a <red> one", "Зелёная машина", "über den Tisch"]
SLIDES = (LINES * 4)[:11]
TABLE = [["one", "two"], ["three", "four"]]


def word() -> str:
    document = docx.Document()
    document.add_heading(LINES[0], level=1)
    paragraph = document.add_paragraph("Bro")
    paragraph.add_run("ken").bold = True
    paragraph.add_run(" runs")
    paragraph.add_run().add_break()
    paragraph.add_run("next line")
    document.add_paragraph(LINES[1], style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cells, row in zip(TABLE, table.rows, strict=True):
        for said, cell in zip(cells, row.cells, strict=True):
            cell.text = said
    document.sections[0].header.paragraphs[0].text = "a header that is not read"
    document.save(HERE / "word.docx")
    return "\n".join([LINES[0], "Broken runs", "next line", LINES[1], *sum(TABLE, [])])


def slides() -> str:
    show = Presentation()
    for number, line in enumerate(SLIDES):
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = f"{number} {line}"
        box = slide.shapes.add_textbox(Inches(1), Inches(2), Inches(3), Inches(1))
        box.text_frame.text = "in a box"
        if number == 0:
            slide.notes_slide.notes_text_frame.text = "a note that is not read"
    show.save(HERE / "slides.pptx")
    return "\n".join(f"{number} {line}\nin a box" for number, line in enumerate(SLIDES))


def open_document() -> str:
    document = OpenDocumentText()
    document.text.addElement(odf.H(outlinelevel=1, text=LINES[0]))
    paragraph = odf.P(text="one")
    paragraph.addElement(odf.S(c=3))
    paragraph.addElement(odf.Span(text="two"))
    paragraph.addElement(odf.LineBreak())
    paragraph.addText("three")
    document.text.addElement(paragraph)
    document.text.addElement(odf.P(text=LINES[1]))
    document.save(str(HERE / "open.odt"))
    return "\n".join([LINES[0], "one two", "three", LINES[1]])


def book() -> str:
    made = epub.EpubBook()
    made.set_identifier("one")
    made.set_title("A book of cars")
    made.set_language("en")
    chapters = []
    for number, line in enumerate(reversed(LINES)):
        chapter = epub.EpubHtml(title=f"Chapter {number}", file_name=f"text/chapter {9 - number}.xhtml")
        escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        chapter.content = f"<h1>{number}</h1><p>{escaped}</p>"
        made.add_item(chapter)
        chapters.append(chapter)
    made.toc = chapters
    made.add_item(epub.EpubNcx())
    made.add_item(epub.EpubNav())
    made.spine = chapters
    epub.write_epub(str(HERE / "book.epub"), made)
    pages = [f"Chapter {number}\n{number}\n{line}" for number, line in enumerate(reversed(LINES))]
    return "\n".join(["A book of cars", *pages])


def main() -> None:
    expected = {"word.docx": word(), "slides.pptx": slides(), "open.odt": open_document(), "book.epub": book()}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
