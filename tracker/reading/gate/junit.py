"""A check as JUnit XML, which every CI service shows: a test case per verdict."""

from __future__ import annotations

from xml.etree import ElementTree

from tracker.reading.gate.verdict import Check


def junit(check: Check) -> str:
    """One test suite. What failed is a failure, what can't be compared an error.

    What only warns or notes passes, with its words as output.
    """
    found = [one.status for one in check.verdicts]
    suite = ElementTree.Element(
        "testsuite",
        name=f"tracker check {check.name}",
        tests=str(len(found)),
        failures=str(found.count("fail")),
        errors=str(found.count("unknown")),
    )
    for one in check.verdicts:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{check.name}.{one.kind}", name=one.metric
        )
        parts = (("baseline", one.before), ("now", one.after), ("allowed", one.tolerance or None))
        known = [f"{name} {value}" for name, value in parts if value is not None]
        told = "; ".join([one.words, ", ".join(known)] if known else [one.words])
        if one.status == "fail":
            ElementTree.SubElement(case, "failure", message=one.words).text = told
        elif one.status == "unknown":
            ElementTree.SubElement(case, "error", message=one.words).text = told
        else:
            ElementTree.SubElement(case, "system-out").text = f"{one.status}: {told}"
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
