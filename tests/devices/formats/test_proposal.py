from devices.formats import table
from devices.formats.proposal import Proposal, nobody


def test_nobody_recognises_nothing():
    assert nobody("t", b"{}") is None


def test_every_format_recognises_some_message():
    assert [name for name, form in table().items() if form.recognise is nobody] == []


def test_a_proposal_is_a_door_of_no_known_polarity():
    proposal = Proposal(format="esphome", topic="t")
    assert (proposal.sort, proposal.word, proposal.address) == ("door", "", "")
