"""``framefold serve`` from start to end, as a program."""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest

from cli.programs import SOON, address_of, ask, called, merged, running, taken_port, until


class TestServe:
    """Processes what a detector sends, by a configuration."""

    @pytest.fixture
    def configured(self, tmp_path):
        def write(text: str) -> str:
            path = tmp_path / "lab.toml"
            path.write_text("schema = 1\n" + text)
            return str(path)

        return write

    def test_serves_until_told_to_end(self, configured):
        with running("sim", "simplon-v2", "--scan", "8x8", "--sig", "16x16") as detector:
            endpoint = json.loads(detector.line())["ready"]
            path = configured(
                f'[server]\nport = 0\n[workers]\ncount = 1\n[sources.lab]\nstream = "{endpoint}"\n'
            )
            with running("-q", "serve", "-c", path) as server:
                address = address_of(server)
                until(lambda: merged(address) == 64, "the whole scan")
                found = ask(address, "api/v1/acquisitions/latest/results/sumsig/intensity.json")
                server.send(signal.SIGINT)
                ended = server.end()

                assert (ended.code, ended.err) == (0, "")
                assert len(found["data"]) == 8
                until(lambda: not server.left(), "the end of all processes", SOON)

    def test_control(self, configured, tmp_path):
        """The token is in the file, and in nothing that is said where that is no terminal."""
        path = configured(
            f'[server]\nport = 0\ntoken_file = "{tmp_path}/token"\n[workers]\ncount = 1\n'
            f'[sources.lab]\nstream = "tcp://127.0.0.1:9"\n[recording]\ndirectory = "{tmp_path}"\n'
        )
        with running("-v", "serve", "-c", path, "--control") as server:
            url = address_of(server) + "api/v1/recording"
            said = server.line()
            token = (tmp_path / "token").read_text().strip()
            request = urllib.request.Request(
                url,
                b'{"hdf5": true}',
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                method="PATCH",
            )
            with urllib.request.urlopen(request, timeout=10) as answer:
                found = json.load(answer)
            server.send(signal.SIGINT)
            ended = server.end()

        assert (found["next"], found["directory"]) == (
            {"hdf5": True, "wire_log": False},
            str(tmp_path),
        )
        assert said == f"framefold: the token for control is in {tmp_path}/token\n"
        assert (ended.code, (tmp_path / "token").exists()) == (0, False)
        assert "recording switched from the next acquisition on client=127.0.0.1" in ended.err
        assert token not in ended.out + ended.err

    def test_port_on_the_command_line_wins(self, configured):
        path = configured('[sources.lab]\nstream = "tcp://127.0.0.1:9"\n')
        with taken_port() as port:
            ended = called("serve", "-c", path, "--port", port)

        assert ended.code == 1
        assert f"port {port} at 127.0.0.1 is in use" in ended.err
        assert ended.err.count("\n") == 1

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("[server]\nprot = 1\n", "unknown key 'server.prot'; did you mean 'port'?"),
            ("[sever]\n", "unknown key 'sever'; did you mean 'server'?"),
            ("[server]\nport = 70000\n", "'server.port' = 70000"),
            ("x = \n", "is no valid TOML"),
            ("", "no [sources.NAME]"),
            (
                '[sources.a]\nstream="tcp://a:1"\n[sources.b]\nstream="tcp://b:1"\n',
                "2 sources: name one (a, b)",
            ),
            ("[sources.a]\n", "'sources.a.stream' is missing"),
            (
                '[sources.a]\nstream="tcp://a:1"\n[[pipeline]]\nname="x"\nudf="sun"\n',
                "unknown UDF 'sun'; did you mean 'sum'?",
            ),
            (
                '[sources.a]\nstream="tcp://a:1"\n'
                '[[pipeline]]\nname="x"\nudf="com"\nparams={rr=3}\n',
                "has no parameter 'rr'",
            ),
            ('[sources.a]\nstream="nowhere"\n', "'nowhere': not like tcp://"),
        ],
    )
    def test_a_bad_configuration_is_one_line(self, configured, text, told):
        ended = called("-q", "serve", "-c", configured(text))

        assert ended.code == 1
        assert told in ended.err
        assert ended.err.count("\n") == 1

    def test_no_configuration(self, tmp_path):
        ended = called("serve", "-c", tmp_path / "absent.toml")

        assert ended.code == 1
        assert "absent.toml cannot be read: No such file or directory" in ended.err
        assert called("serve").code == 2

    def test_a_source_that_is_not_there(self, configured):
        path = configured('[sources.lab]\nstream = "tcp://127.0.0.1:9"\n')

        ended = called("serve", "-c", path, "--source", "lap")

        assert ended.code == 1
        assert "no source 'lap'; did you mean 'lab'?" in ended.err
