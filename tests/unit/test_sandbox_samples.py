"""The samples are real files: what reads PDFs, zips, OFDs and mails can read them."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from email import message_from_bytes, policy
from xml.etree import ElementTree as ET

import pytest

from watcher.sandbox import samples
from watcher.sandbox.invoices import SampleInvoice, invoice_ofd, invoice_pdf, zip_file

INVOICES = [samples.TAXI, samples.HOTEL, samples.MEAL, samples.OFFICE, samples.SOFTWARE]


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: invoice.number)
def test_every_offset_of_the_pdf_leads_to_its_object(invoice: SampleInvoice) -> None:
    pdf = invoice_pdf(invoice)

    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n$", pdf)[0])
    lines = pdf[start:].split(b"\n")
    offsets = [int(line[:10]) for line in lines[3:] if line.endswith(b" n ")]

    assert lines[:2] == [b"xref", b"0 9"]
    assert lines[2] == b"0000000000 65535 f "
    assert len(offsets) == 8
    assert all(pdf[at:].startswith(f"{number} 0 obj\n".encode()) for number, at in enumerate(offsets, 1))


def test_the_page_is_as_long_as_it_says_and_holds_number_and_title() -> None:
    pdf = invoice_pdf(samples.TAXI)

    found = re.search(rb"<</Length (\d+)>>\nstream\n(.*?)\nendstream", pdf, re.DOTALL)

    assert found is not None
    assert int(found[1]) == len(found[2])
    assert samples.TAXI.number.encode() in found[2]
    assert "电子发票".encode("utf-16-be").hex().encode() in found[2]


def test_the_ofd_is_a_zip_of_well_formed_xml_with_the_number_in_its_custom_data() -> None:
    with zipfile.ZipFile(io.BytesIO(invoice_ofd(samples.MEAL))) as ofd:
        assert ofd.testzip() is None
        roots = {name: ET.fromstring(ofd.read(name)) for name in ofd.namelist()}

    data = roots["OFD.xml"].findall(".//{http://www.ofdspec.org/2016}CustomData")
    assert {item.get("Name"): item.text for item in data}["发票号码"] == samples.MEAL.number
    assert "Doc_0/Pages/Page_0/Content.xml" in roots


def test_names_in_a_zip_stand_there_as_the_bytes_given() -> None:
    content = zip_file([("餐饮发票.ofd".encode("gbk"), b"x" * 100), (b"b.txt", b"")])

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        first, second = archive.infolist()
        assert archive.testzip() is None
        assert archive.read(first) == b"x" * 100

    assert first.filename.encode("cp437").decode("gbk") == "餐饮发票.ofd"
    assert not first.flag_bits & 0x800
    assert second.filename == "b.txt"


def test_the_samples_are_the_same_each_time() -> None:
    assert samples.sample_mails("a@corp.example") == samples.sample_mails("a@corp.example")
    assert samples.sample_files() == samples.sample_files()


def test_mails_say_what_they_are_filed_under() -> None:
    for mail in samples.sample_mails("fapiao@corp.example"):
        read = message_from_bytes(mail.raw, policy=policy.default)

        assert (read["Subject"], read["From"], read["Message-ID"]) == (mail.subject, mail.sender, mail.message_id)
        assert read["To"] == "fapiao@corp.example"


def test_the_duplicate_has_the_same_bytes_as_what_it_repeats() -> None:
    first, _, again, *_ = samples.sample_mails("fapiao@corp.example")
    attachments = [
        [part.get_content() for part in message_from_bytes(mail.raw, policy=policy.default).iter_attachments()]
        for mail in (first, again)
    ]

    assert attachments[1] == attachments[0][:1]


def test_the_damaged_zip_lists_its_entry_and_cannot_be_read() -> None:
    damaged = samples.sample_files()[-1].content

    with zipfile.ZipFile(io.BytesIO(damaged)) as archive:
        assert archive.namelist() == ["invoice.pdf"]
        with pytest.raises((zlib.error, zipfile.BadZipFile)):
            archive.read("invoice.pdf")


def test_every_kind_of_outcome_is_shown_and_all_people_are_fictional() -> None:
    mails, files = samples.sample_mails("fapiao@corp.example"), samples.sample_files()
    expected = [mail.expected for mail in mails] + [file.expected for file in files]
    outcomes = {outcome for each in expected for outcome in each.outcomes}

    assert outcomes >= {"done", "duplicate", "error"}
    assert all(mail.sender.endswith(".example") for mail in mails)
