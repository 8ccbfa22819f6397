"""Every store keeps what `watcher.ports.Store` promises."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.files import document
from tests.support.servers.s3 import S3
from tests.support.servers.webdav import WebDav
from tests.support.uploads import UploadPlatform
from watcher.config import sections
from watcher.errors import StoreRefused, StoreUnavailable
from watcher.model import Locator
from watcher.ports import FoundDocument, Store
from watcher.stores.lying import Lying
from watcher.stores.objects import ObjectsStore
from watcher.stores.resolve import ResolveStore
from watcher.stores.upload import HttpStore

Keep = Callable[..., FoundDocument]

SMALL = b"%PDF-1.7 small"
LARGE = os.urandom(9_000_000)  # more than one piece of an upload


@pytest.fixture
def keep() -> Iterator[Keep]:
    """Documents that are closed after the test."""
    made: list[FoundDocument] = []

    def make(data: bytes, *, path: str | None = "部门/发票 #1.pdf") -> FoundDocument:
        made.append(document(data, path=path))
        return made[-1]

    yield make
    for one in made:
        assert one.content is not None
        one.content.close()


class StoreContract:
    """What is promised of every store."""

    @pytest.fixture
    def store(self) -> Iterator[Store] | Store:
        raise NotImplementedError

    def test_it_has_its_name(self, store: Store) -> None:
        assert store.name == "default"

    def test_it_may_be_prepared_and_need_not(self, store: Store, keep: Keep) -> None:
        before = store.put(keep(SMALL))
        store.prepare()
        store.prepare()
        assert store.put(keep(SMALL)) == before

    def test_the_same_content_twice_is_one_key(self, store: Store, keep: Keep) -> None:
        assert store.put(keep(SMALL)) == store.put(keep(SMALL))
        assert store.put(keep(LARGE)) == store.put(keep(LARGE))

    def test_a_fixed_address_is_what_is_posted(self, store: Store, keep: Keep) -> None:
        locator = store.put(keep(SMALL))
        address = store.attachment_url(locator)
        assert address
        assert locator.url in (None, address)
        assert locator.shown
        assert address.isascii()

    def test_many_threads_use_it_at_once(self, store: Store, keep: Keep) -> None:
        documents = [keep(b"%PDF-1.7 " + bytes([number])) for number in range(24)]
        with ThreadPoolExecutor(8) as pool:
            locators = list(pool.map(store.put, documents))
            addresses = list(pool.map(store.attachment_url, locators))
        assert len(addresses) == 24

    def test_check_says_that_it_works_and_leaves_nothing_behind(self, store: Store) -> None:
        findings = store.check()
        assert findings
        assert all(finding.ok and finding.subject == "store default" for finding in findings)

    def test_it_may_be_closed_twice(self, store: Store) -> None:
        store.close()
        store.close()


class KeepingStoreContract(StoreContract):
    """What is promised of every store that uploads."""

    @pytest.fixture
    def kept(self) -> Callable[[Locator], bytes]:
        """What lies at the place."""
        raise NotImplementedError

    @pytest.fixture
    def lost(self) -> Store:
        """The same store, whose server cannot be reached."""
        raise NotImplementedError

    def test_nobody_else_writes_where_its_addresses_lead(self, store: Store, keep: Keep) -> None:
        locator = store.put(keep(SMALL))
        assert store.keeps
        assert store.replaced_by(locator, "another") is None

    @pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
    def test_what_was_put_is_kept_whole(
        self, store: Store, kept: Callable[[Locator], bytes], keep: Keep, data: bytes
    ) -> None:
        locator = store.put(keep(data))
        assert kept(locator) == data
        assert locator.store == "default"

    def test_while_it_cannot_be_reached_nothing_is_decided(self, lost: Store, keep: Keep) -> None:
        lost.prepare()
        with pytest.raises(StoreUnavailable, match="default"):
            lost.put(keep(SMALL))
        findings = lost.check()
        assert not any(finding.ok for finding in findings)
        assert all(finding.mend for finding in findings)


def _objects(service: str, attachment_url: str = "key", **options: str) -> ObjectsStore:
    section = sections.ObjectsStore.model_validate(
        {"type": "objects", "service": service, "options": options, "attachment_url": attachment_url}
    )
    return ObjectsStore("default", section)


class TestFiles(KeepingStoreContract):
    """OpenDAL's fs, with addresses made of a template."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = _objects("fs", "https://files.example/a/{key}", root=str(tmp_path))
        yield store
        store.close()

    @pytest.fixture
    def kept(self, tmp_path: Path) -> Callable[[Locator], bytes]:
        return lambda locator: (tmp_path / locator.key).read_bytes()

    @pytest.fixture
    def lost(self, tmp_path: Path) -> Store:
        (tmp_path / "file").touch()
        return _objects("fs", root=str(tmp_path / "file" / "below"))

    def test_check_leaves_no_probe(self, store: Store, tmp_path: Path) -> None:
        store.check()
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_its_key_is_the_hash_and_its_address_the_template(self, store: Store, keep: Keep) -> None:
        one = keep(SMALL)
        assert one.content is not None
        locator = store.put(one)
        assert locator.key == f"invoices/{one.content.sha256}.pdf"
        assert locator.url == f"https://files.example/a/{locator.key}"

    def test_only_what_is_soon_on_the_drive_is_near(self, store: Store, keep: Keep) -> None:
        store.prepare()
        assert store.is_near(keep(SMALL))
        assert not store.is_near(keep(LARGE))

    def test_nothing_half_written_bears_its_name(self, store: Store, keep: Keep, tmp_path: Path) -> None:
        # Given a spool that breaks in the middle
        one = keep(LARGE)
        assert one.content is not None
        whole = one.content.chunks
        one.content.chunks = lambda: (_break(number, chunk) for number, chunk in enumerate(whole()))  # type: ignore[method-assign]
        # When it is put
        with pytest.raises(StoreUnavailable):
            store.put(one)
        # Then no file has the key, and none is left of it
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_the_folders_on_its_way_are_made_anew_where_somebody_removed_them(
        self, store: Store, keep: Keep, kept: Callable[[Locator], bytes], tmp_path: Path
    ) -> None:
        # Given a store that has worked
        store.put(keep(SMALL))
        # When all that is in its folder goes, and it keeps something more
        for path in list(tmp_path.iterdir()):
            shutil.rmtree(path)
        one = keep(LARGE)
        # Then that is kept as ever
        assert one.content is not None
        assert kept(store.put(one)) == one.content.read()

    def test_what_a_killed_upload_left_goes_when_nobody_can_be_at_work_on_it(
        self, store: Store, keep: Keep, tmp_path: Path
    ) -> None:
        store.put(keep(SMALL))
        old, young = (tmp_path / ".invoice-watcher-partial" / name for name in ("old.pdf.x", "young.pdf.x"))
        for path in (old, young):
            path.write_bytes(SMALL[:5])
        os.utime(old, (0, 0))

        store.prepare()

        assert not old.exists()
        assert young.exists()
        assert [path.read_bytes() for path in (tmp_path / "invoices").iterdir()] == [SMALL]

    def test_a_folder_of_somebodys_own_is_not_cleared(self, tmp_path: Path) -> None:
        mine = tmp_path / "scratch" / "mine.txt"
        mine.parent.mkdir()
        mine.touch()
        os.utime(mine, (0, 0))
        _objects("fs", root=str(tmp_path / "root"), atomic_write_dir=str(mine.parent)).prepare()
        assert mine.exists()


def _break(number: int, chunk: bytes) -> bytes:
    if number > 3:
        raise OSError("the disk is broken")
    return chunk


class TestS3Presigned(KeepingStoreContract):
    """A real S3 server, with addresses signed for each try."""

    @pytest.fixture
    def bucket(self, s3: S3) -> str:
        return s3.bucket()

    @pytest.fixture
    def store(self, s3: S3, bucket: str) -> Iterator[Store]:
        store = _s3(s3, bucket, s3.endpoint)
        yield store
        store.close()

    @pytest.fixture
    def kept(self, s3: S3, bucket: str) -> Callable[[Locator], bytes]:
        return lambda locator: s3.get(bucket, locator.key)

    @pytest.fixture
    def lost(self, s3: S3) -> Store:
        return _s3(s3, "none", "http://127.0.0.1:9")

    def test_check_leaves_no_probe(self, store: Store, s3: S3, bucket: str) -> None:
        store.check()
        assert s3.keys(bucket) == []

    def test_a_signed_address_leads_to_the_file_and_is_no_secret_kept(self, store: Store, keep: Keep) -> None:
        locator = store.put(keep(SMALL))
        assert locator.url is None
        assert locator.shown == locator.key
        address = store.attachment_url(locator)
        assert "X-Amz-Expires=86400" in address
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == SMALL
            assert answer.headers["Content-Type"] == "application/pdf"

    def test_a_bucket_that_is_not_there_is_named_and_no_secret_is(self, s3: S3) -> None:
        (finding,) = _s3(s3, "no-such-bucket", s3.endpoint).check()
        assert not finding.ok
        assert "NoSuchBucket" in finding.message
        assert s3.secret_access_key not in finding.message


class TestS3WithARoot(KeepingStoreContract):
    """A real S3 server, whose `root` OpenDAL puts before each key; what is posted is the key."""

    @pytest.fixture
    def bucket(self, s3: S3) -> str:
        return s3.bucket()

    @pytest.fixture
    def store(self, s3: S3, bucket: str) -> Iterator[Store]:
        store = _s3(s3, bucket, s3.endpoint, "key", root="/archive//2026/")
        yield store
        store.close()

    @pytest.fixture
    def kept(self, s3: S3, bucket: str) -> Callable[[Locator], bytes]:
        return lambda locator: s3.get(bucket, str(locator.url))

    @pytest.fixture
    def lost(self, s3: S3) -> Store:
        return _s3(s3, "none", "http://127.0.0.1:9", "key", root="archive")

    def test_what_is_posted_is_the_key_that_the_bucket_has(self, store: Store, s3: S3, bucket: str, keep: Keep) -> None:
        locator = store.put(keep(SMALL))
        assert s3.keys(bucket) == [store.attachment_url(locator)]

    def test_check_says_what_is_posted(self, store: Store) -> None:
        (finding,) = store.check()
        assert finding.message.endswith("; posted is archive/2026/invoices/{sha256}{ext}, its whole key in the bucket")


def _s3(s3: S3, bucket: str, endpoint: str, attachment_url: str = "presigned: 1d", **more: str) -> ObjectsStore:
    return _objects(
        "s3",
        attachment_url,
        **more,
        bucket=bucket,
        endpoint=endpoint,
        region=s3.region,
        access_key_id=s3.access_key_id,
        secret_access_key=s3.secret_access_key,
    )


class TestWebDav(KeepingStoreContract):
    """A real WebDAV server; what is posted is the key."""

    @pytest.fixture
    def store(self, webdav: WebDav) -> Iterator[Store]:
        store = _objects("webdav", endpoint=webdav.url, username=webdav.username, password=webdav.password)
        yield store
        store.close()

    @pytest.fixture
    def kept(self, webdav: WebDav) -> Callable[[Locator], bytes]:
        return lambda locator: (webdav.root / locator.key).read_bytes()

    @pytest.fixture
    def lost(self) -> Store:
        return _objects("webdav", endpoint="http://127.0.0.1:9", username="nobody", password="nothing")

    def test_a_full_server_makes_documents_wait(self, store: Store, webdav: WebDav, keep: Keep) -> None:
        webdav.refuse("507 Insufficient Storage")
        try:
            with pytest.raises(StoreUnavailable, match="507"):
                store.put(keep(SMALL))
        finally:
            webdav.refuse(None)
        assert store.put(keep(SMALL)).key


class FixedToken:
    """One that is never refused."""

    def header(self) -> Mapping[str, str]:
        return {"access_token": "secret-token"}

    def refresh(self, old: Mapping[str, str]) -> Mapping[str, str]:
        return old


class TestUpload(KeepingStoreContract):
    """A multipart POST to a real HTTP server."""

    @pytest.fixture
    def platform(self) -> Iterator[UploadPlatform]:
        with UploadPlatform() as platform:
            yield platform

    @pytest.fixture
    def store(self, platform: UploadPlatform) -> Iterator[Store]:
        store = _http(platform.url)
        yield store
        store.close()

    @pytest.fixture
    def kept(self, platform: UploadPlatform) -> Callable[[Locator], bytes]:
        return lambda locator: platform.stored(locator.shown)

    @pytest.fixture
    def lost(self) -> Store:
        return _http("http://127.0.0.1:9/upload")


def _http(url: str) -> HttpStore:
    section = sections.HttpStore.model_validate({"type": "http", "url": url})
    return HttpStore("default", section, token=FixedToken())


class TestResolve(StoreContract):
    """Nothing is uploaded: the address is worked out."""

    @pytest.fixture
    def store(self) -> Store:
        return _resolve()

    def test_people_write_where_its_addresses_lead(self, store: Store) -> None:
        assert not store.keeps

    @pytest.mark.parametrize(
        ("path", "url"),
        [
            ("a.pdf", "https://files.example/in/a.pdf"),
            ("部门/发票 #1?.pdf", None),
            ("100%.pdf", "https://files.example/in/100%25.pdf"),
            ("gbk-\udcb7\udca2.pdf", "https://files.example/in/gbk-%B7%A2.pdf"),
        ],
    )
    def test_an_address_leads_back_to_the_path(self, path: str, url: str | None, keep: Keep) -> None:
        store = _resolve()
        locator = store.put(keep(SMALL, path=path))
        assert locator.url == store.attachment_url(locator)
        assert locator.url is not None
        locator.key.encode()
        assert url in (None, locator.url)
        if url is None:
            assert unquote(urlsplit(locator.url).path) == f"/in/{path}"

    @pytest.mark.parametrize("path", ["a.pdf", "部门/发票 #1?%.pdf", "gbk-\udcb7\udca2.pdf"])
    def test_an_address_that_leads_to_another_file_by_now_is_not_posted(self, path: str, keep: Keep) -> None:
        words: dict[str, Lying] = {}
        section = sections.ResolveStore.model_validate({"type": "resolve", "base_url": "https://files.example/in"})
        store = ResolveStore("default", section, None, lying=words.__getitem__)
        locator = store.put(keep(SMALL, path=path))
        for said in (Lying(sha256=frozenset(("ab", "cd"))), Lying(sha256=frozenset(("cd",)), unseen=True)):
            words[path] = said
            assert store.attachment_url(locator, "ab") == locator.url
            assert store.replaced_by(locator, "ab") is None
        for said, instead in ((Lying(), None), (Lying(sha256=frozenset(("cd",))), "cd")):
            words[path] = said
            with pytest.raises(StoreUnavailable, match="changed, or moved away"):
                store.attachment_url(locator, "ab")
            assert store.replaced_by(locator, "ab") == instead

    def test_what_has_no_path_is_refused(self, keep: Keep) -> None:
        with pytest.raises(StoreRefused, match="parts"):
            _resolve().put(keep(SMALL, path=None))

    def test_what_has_no_path_goes_to_the_store_for_parts(self, keep: Keep, tmp_path: Path) -> None:
        parts = _objects("fs", root=str(tmp_path))
        store = _resolve(parts)
        locator = store.put(keep(SMALL, path=None))
        assert (tmp_path / locator.key).read_bytes() == SMALL
        assert store.attachment_url(locator) == parts.attachment_url(locator) == locator.key


def _resolve(parts: Store | None = None) -> ResolveStore:
    section = sections.ResolveStore.model_validate({"type": "resolve", "base_url": "https://files.example/in"})
    return ResolveStore("default", section, parts)
