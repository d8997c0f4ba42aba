"""The subcommands of ``mcss-data``, a module each.

A module has ``add_parser(subparsers)``, which describes the command's arguments and names its ``run(options)``. What
takes seconds to import (the studio's body model, torch, the readers of a layout) is imported by ``run``.
"""
