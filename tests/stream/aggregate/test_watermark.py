"""The watermark: the slowest source holds it, an idle one is carried on by the clock."""

from stream.aggregate.watermark import Watermark


def test_the_slowest_source_holds_it():
    watermark = Watermark(["a", "b"])
    watermark.observe("a", 100.0, None)
    assert watermark.time is None, "nobody has said anything of b"
    watermark.observe("b", 50.0, None)
    assert watermark.time == 50.0
    watermark.observe("b", 300.0, None)
    assert watermark.time == 100.0


def test_it_never_goes_back():
    watermark = Watermark(["a"])
    watermark.observe("a", 100.0, 110.0)
    watermark.observe("a", 90.0, None)
    assert watermark.time == 110.0


def test_an_idle_source_is_carried_on_by_the_clock():
    watermark = Watermark(["a", "b"])
    watermark.observe("a", 100.0, None)
    watermark.observe("b", None, 500.0)
    assert watermark.time == 100.0
    watermark.observe("a", 100.0, 500.0)
    assert watermark.time == 500.0


def test_empty_streams_have_no_watermark_so_that_history_may_still_come():
    watermark = Watermark(["a", "b"])
    watermark.observe("a", None, 500.0)
    watermark.observe("b", None, 500.0)
    assert watermark.time is None
    watermark.observe("a", 10.0, 500.0)
    assert watermark.time == 500.0


def test_history_into_empty_streams_is_not_late():
    """A worker that waited for its feed has carried every empty source on by the clock."""
    watermark = Watermark(["a", "b"])
    watermark.observe("a", None, 500.0)
    watermark.observe("b", None, 500.0)
    watermark.observe("a", 10.0, None)
    assert watermark.time == 10.0
    watermark.observe("a", 400.0, None)
    watermark.observe("b", 20.0, None)
    assert watermark.time == 20.0
