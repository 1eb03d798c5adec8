from stream.entities.review import review
from stream.entities.watch_list import Company, checked


def of(*companies):
    return review(checked([(str(n), each) for n, each in enumerate(companies)], "", "list"))


def test_it_counts():
    found = of(
        Company("A", ("Harlech", "Mervane"), ("Oskar",), ("HRL",)), Company("B", (), (), ("NYSE:B", "B.L"))
    )
    assert (found.companies, found.names, found.tickers) == (2, 3, 3)
    assert (found.without_sign, found.inside, found.shared) == ([], [], [])


def test_ambiguous_names_without_a_second_sign():
    found = of(
        Company("GAP", ("Gap",)),
        Company("TGT", ("Target",), (), ("TGT",)),
        Company("V", ("Visa",), (), (), ("card",)),
        Company("AAPL", ("Apple", "Apple Inc")),
        Company("F", ("Ford", "Ford Motor")),
        Company("Z", ("Zyxo",), ambiguous=True),
        Company("S", ("Shell",), ambiguous=False),
    )
    assert found.without_sign == [("GAP", "Gap"), ("AAPL", "Apple"), ("Z", "Zyxo")]


def test_names_inside_names_of_others():
    found = of(Company("A", ("Axis", "Axis Bank")), Company("C", ("Axis Capital",)), Company("D", ("Taxis",)))
    assert found.inside == [("A", "Axis", "C", "Axis Capital")]


def test_names_that_two_share_without_their_legal_suffix():
    found = of(Company("A", ("Merck Inc",)), Company("B", ("Merck AG",)), Company("C", ("Mervane",)))
    assert found.shared == [("Merck", ["A", "B"])]
