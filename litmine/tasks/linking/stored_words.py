"""What a linker knows of the words of a vocabulary, in a file: how rare each is, and how many genes have it.

The numbers are those of the vocabulary that the linker was trained over. To count the words of a million names takes
five seconds, and another vocabulary does not change what the rankers have learnt from these numbers.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from litmine.errors import ModelError

_SCHEMA = pa.schema(
    [
        pa.field("word", pa.string(), nullable=False),
        pa.field("weight", pa.float32(), nullable=False),  # 0 for none
        pa.field("genes", pa.int32(), nullable=False),
    ]
)
_GENES = b"genes"
# A page per column compresses best.
_PAGE_BYTES = 1 << 24
_COMPRESSION_LEVEL = 22


def save_words(word_weights: Mapping[str, float], gene_words: Mapping[str, int], genes: int, file: Path) -> None:
    """Write the weights of words, and the number of genes that have each, with the number of all genes.

    Words of one gene are left out, because `litmine.tasks.linking.gene_features` counts an unknown word as such.
    """
    frequent = {word: count for word, count in gene_words.items() if count > 1}
    words = sorted(word_weights.keys() | frequent.keys())
    table = pa.table(
        [words, [word_weights.get(word, 0.0) for word in words], [frequent.get(word, 0) for word in words]],
        schema=_SCHEMA.with_metadata({_GENES: str(genes)}),
    )
    pq.write_table(
        table,
        file,
        # Few words are frequent, so there are few different weights.
        use_dictionary=["weight"],
        column_encoding={"word": "DELTA_BYTE_ARRAY", "genes": "BYTE_STREAM_SPLIT"},
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        write_statistics=False,
        write_page_checksum=True,
        data_page_size=_PAGE_BYTES,
        dictionary_pagesize_limit=_PAGE_BYTES,
    )


def load_words(file: Path) -> tuple[dict[str, float], dict[str, int], int]:
    """Read what `save_words` wrote: weights, genes by word, and the number of genes.

    Raises OSError when the file cannot be read, and ModelError when it is damaged.
    """
    content = pa.py_buffer(file.read_bytes())
    try:
        table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
        if not table.schema.equals(_SCHEMA):
            raise ValueError("it has other columns")
        genes = int(table.schema.metadata[_GENES])
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{file} is damaged ({reason}); copy or train the linker again") from error
    words, weights, counts = (column.to_pylist() for column in table.columns)
    return (
        {word: weight for word, weight in zip(words, weights, strict=True) if weight},
        {word: count for word, count in zip(words, counts, strict=True) if count},
        genes,
    )
