"""The file with the token: its owner's alone, and there as long as the server runs."""

from __future__ import annotations

import stat

import pytest

from framefold.errors import ConfigError
from framefold.http.control import new_token
from framefold.http.token_file import kept_token


class TestKeptToken:
    """Nothing but a token is ever replaced or removed."""

    def test_while_it_lasts(self, tmp_path):
        path, token = tmp_path / "token", new_token()
        with kept_token(token, str(path)) as kept:
            found = path.read_text()
            mode = stat.S_IMODE(path.stat().st_mode)
            beside = list(tmp_path.iterdir())

        assert (kept, found, oct(mode)) == (path, f"{token}\n", "0o600")
        assert beside == [path]
        assert list(tmp_path.iterdir()) == []

    def test_an_older_one_is_replaced(self, tmp_path):
        path, token = tmp_path / "token", new_token()
        path.write_text(f"{new_token()}\n")
        path.chmod(0o644)
        with kept_token(token, str(path)):
            assert path.read_text() == f"{token}\n"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_that_of_a_later_server_stays(self, tmp_path):
        path, later = tmp_path / "token", new_token()
        with kept_token(new_token(), str(path)):
            path.write_text(f"{later}\n")

        assert path.read_text() == f"{later}\n"

    def test_one_that_is_gone_is_told(self, tmp_path, caplog):
        path = tmp_path / "token"
        with kept_token(new_token(), str(path)):
            path.unlink()

        assert "token file not removed" in caplog.text

    def test_nothing_to_keep(self, tmp_path):
        for token, path in ((None, str(tmp_path / "token")), (new_token(), None)):
            with kept_token(token, path) as kept:
                assert kept is None
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("kind", ["text", "folder", "link", "dangling link"])
    def test_something_else_stays(self, tmp_path, kind):
        path, other = tmp_path / "token", tmp_path / "other"
        if kind == "text":
            path.write_text("years of work\n" * 10)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to(other)
        if kind == "link":
            other.write_text(f"{new_token()}\n")
        with pytest.raises(ConfigError, match=r"server\.token_file = .* is no token of ours"):
            kept_token(new_token(), str(path)).__enter__()

        assert path.is_symlink() == (kind in ("link", "dangling link"))
        assert kind != "text" or path.read_text().startswith("years of work")
        assert other.exists() == (kind == "link")

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(ConfigError, match="No such file or directory; name a file in a folder"):
            kept_token(new_token(), str(tmp_path / "no" / "token")).__enter__()
