"""An answer as XML: scalars are attributes, objects and the members of lists are elements, every value is text."""

from xml.sax.saxutils import quoteattr

from exporter.simulator.messages import Answer, Json


def as_xml(tag: str, answer: Json) -> Answer:
    return Answer(_element(tag, answer), content_type="application/xml")


def _element(tag: str, value: Json) -> str:
    if not isinstance(value, dict):
        return f"<{tag} val={quoteattr(_text(value))}/>"
    nested, attributes = "", ""
    for key, item in value.items():
        if isinstance(item, dict | list):
            nested += "".join(_element(key, one) for one in (item if isinstance(item, list) else [item]))
        else:
            attributes += f" {key}={quoteattr(_text(item))}"
    return f"<{tag}{attributes}>{nested}</{tag}>" if nested else f"<{tag}{attributes}/>"


def _text(value: Json) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
