"""The runbooks as HTML pages. They are written in Markdown, one for each alerting rule, in `alerting/runbooks`."""

from pathlib import Path

from markdown_it import MarkdownIt

from alerting.evidence.pages import render

RUNBOOKS = {page.stem: page for page in sorted((Path(__file__).parents[1] / "runbooks").glob("*.md"))}
# Without `html`, tags in a page are text; without `linkify`, only what is written as a link is one.
_markdown = MarkdownIt("commonmark", {"html": False})


def runbook_page(name: str) -> str:
    """The page of an alerting rule, such as `Surge`.

    Raises:
        KeyError: there is none of this name.
    """
    content = _markdown.render(RUNBOOKS[name].read_text(encoding="utf-8"))
    return render("runbook.html", name=name, content=content)


def runbook_list() -> str:
    """The page with links to all runbooks."""
    return render("runbooks.html", names=list(RUNBOOKS))
