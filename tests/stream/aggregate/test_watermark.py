"""The watermark: the slowest source holds it, an idle one is carried on by the clock."""

from stream.aggregate.watermark import SourceWatermark, Watermark


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


def test_a_source_that_is_added_holds_it_until_somebody_reports_on_it():
    watermark = Watermark(["a"])
    watermark.observe("a", 100.0, None)
    watermark.expect("b")
    assert watermark.time is None
    watermark.observe("b", 40.0, None)
    assert watermark.time == 40.0
    watermark.expect("b")
    assert watermark.time == 40.0, "it was expected before"


def test_a_report_on_a_source_that_nobody_named_adds_it():
    watermark = Watermark(["a"])
    watermark.observe("a", 100.0, None)
    watermark.observe("b", 40.0, None)
    assert watermark.time == 40.0


def test_topics_of_many_partitions():
    sources = [f"news-{partition}" for partition in range(300)]
    watermark = Watermark(sources)
    for number, source in enumerate(sources):
        assert watermark.time is None
        watermark.observe(source, 1000.0 - number, None)
    assert watermark.time == 701.0


def test_without_sources_there_is_none():
    assert Watermark([]).time is None


def test_a_clock_behind_the_documents_does_not_hold_it():
    watermark = Watermark(["a"])
    watermark.observe("a", 100.0, 80.0)
    assert watermark.time == 100.0


def test_each_part_of_a_report_only_grows():
    watermark = Watermark(["a"])
    for event_time, clock in ((100.0, 500.0), (120.0, 400.0), (110.0, None), (None, 450.0)):
        watermark.observe("a", event_time, clock)
    assert watermark.source_watermarks == {"a": SourceWatermark(120.0, 500.0)}


def test_it_continues_from_what_was_kept_of_the_sources_it_is_given():
    kept = {"a": SourceWatermark(100.0, 500.0), "gone": SourceWatermark(1.0, None)}
    watermark = Watermark(["a"], kept)
    assert watermark.time == 500.0
    assert watermark.source_watermarks == {"a": kept["a"]}
