"""The vectors of a library in memory: read once, multiplied with a query's."""

from typing import TYPE_CHECKING

from ondol.retrieval.database import Database, library_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ids = NDArray[np.int64]

AT_ONCE = 4096


class Vectors:
    """float32 [n, width] in the order of the chunks' ids, which rise. 1.5 KB a chunk of e5-small.

    On disk they are float16: of vectors of length 1 a cosine moves by less than 0.0005.
    """

    def __init__(self, ids: "Ids", matrix: "Floats") -> None:
        self.ids = ids
        self.matrix = matrix

    @classmethod
    def read(cls, database: Database, width: int) -> "Vectors":
        """All vectors of a library.

        Args:
            database: the library's file.
            width: numbers of a vector.

        Raises:
            CorruptLibrary: if the file is damaged.
        """
        import numpy as np

        with library_errors(database.path):
            (count,) = database.connection.execute("SELECT count(*) FROM vectors").fetchone()
            ids = np.empty(count, np.int64)
            matrix = np.empty((count, width), np.float32)
            rows = database.connection.execute("SELECT chunk, vector FROM vectors ORDER BY chunk")
            at = 0
            while found := rows.fetchmany(AT_ONCE):
                end = at + len(found)
                ids[at:end] = [each[0] for each in found]
                packed = np.frombuffer(b"".join(each[1] for each in found), np.float16)
                matrix[at:end] = packed.reshape(len(found), width)
                at = end
        return cls(ids[:at], matrix[:at])

    def likeness(self, query: "Floats") -> "Floats":
        """The cosine of every chunk with a query's vector, both of length 1: float32 [n]."""
        scores: Floats = self.matrix @ query
        return scores

    def places(self, chunks: "Ids") -> "Ids":
        """Where these chunks' vectors are; all of them have one."""
        return self.ids.searchsorted(chunks)


def packed(vector: "Floats") -> bytes:
    """A vector as it lies in the file."""
    import numpy as np

    return vector.astype(np.float16).tobytes()
