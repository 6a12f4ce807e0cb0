"""An end of MTA-TLS that shares nothing with this project but the draft and docs/mta-tls-wire.md: Python's standard library and OpenSSL 3.

peer.py client CASE {1.2|1.3} PORT ROOT.pem     runs a case against a server
peer.py server CASE {1.2|1.3} CERT.pem KEY.pem  prints its port, runs a case for the clients that come
Exit code 0: every rule was kept. 1: what was broken is on standard error. 77: OpenSSL 3 is not installed.
"""
import faulthandler
import sys

import tls

faulthandler.dump_traceback_later(90, exit=True)


def main(role, case, version, *arguments):
    version = {"1.2": tls.TLS12, "1.3": tls.TLS13}[version]
    if role == "client":
        import agent_cases
        import client_cases
        getattr(agent_cases if case == "agent" else client_cases, case)(client_cases.Server(int(arguments[0]), version, arguments[1]))
    else:
        import server_cases
        getattr(server_cases, case)(server_cases.Client(version, *arguments))


main(*sys.argv[1:])
