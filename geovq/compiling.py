"""Compilation of loops by numba, whose machine code is kept on disk wherever a folder for it can be written.

`cache=True` makes numba look for such a folder when a function is decorated: beside the source, else below the user's
home. Where neither can be written to, as in a container with a read-only checkout and no home, numba raises, and
importing any module with a cached function fails (numba/numba#5566). Here such a function is compiled anew in each
process instead; so are those of umap and pynndescent, which cache theirs too.
"""

from typing import Any

from numba import njit
from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.ufuncbuilder import UFuncDispatcher

__all__ = ["njit"]


def _need_no_folder(kind: Any) -> None:
    enable_caching = kind.enable_caching

    def enable_caching_where_possible(dispatcher: Any) -> None:
        try:
            enable_caching(dispatcher)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise

    kind.enable_caching = enable_caching_where_possible


_need_no_folder(Dispatcher)
_need_no_folder(UFuncDispatcher)
