# SPDX-License-Identifier: Apache-2.0
"""A case: a contract that is wrong in one way, and what has to be said of it."""
import zlib
from dataclasses import dataclass

from emit import FORMS, path_text, write

CONTRACT = 'HPL05001E'


@dataclass
class Case:
    name: str
    kind: str                # the class of mistake
    data: bytes
    product: str = 'hpvs'
    legacy: bool = False
    id: str = CONTRACT       # of the first fault; None: nothing is said
    valid: bool = False
    line: int = None         # None: no place is expected
    col: int = None
    path: str = None         # None: not compared
    fix: bool = False        # applying the fault's cure must give what follows
    after: str = None        # the id that is left then; None: valid
    keys: tuple = ()         # schema keys it is about
    secrets: tuple = ()      # more texts that no output may hold
    opened: bool = False     # the tool gets the image's private key
    says: str = None         # an id that the guest says in its log
    tool: bool = True        # False: nothing that the tool is given; path is a file for verdict
    guest: bool = True       # False: guest and tool are not asked the same; why says it
    why: str = ''


class Corpus:
    def __init__(self):
        self.cases = []
        self.names = set()

    def add(self, case):
        if case.name in self.names:
            raise ValueError(f'two cases are called {case.name}')
        self.names.add(case.name)
        self.cases.append(case)
        return case

    def add_tree(self, name, kind, root, forms, *, place=None, path=None, id=CONTRACT, **more):
        """place: a function of Places that gives (line, column)."""
        text, places = write(root, forms)
        line, col = place(places) if place else (None, None)
        return self.add(Case(name, kind, text.encode(), id=id, line=line, col=col,
                             path=path_text(path) if path is not None else None, **more))


def pick(name, choices):
    """The same for the same name; spreads over the choices."""
    return choices[zlib.crc32(name.encode()) % len(choices)]


def forms_for(name, choices=FORMS):
    return {'workload': pick(name + 'w', choices), 'env': pick(name + 'e', choices)}
