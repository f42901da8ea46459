"""The catalog's tables, as numbered migrations. A migration that has shipped is never edited; add the next one."""

import sqlite3

from tagroll.errors import CatalogError

MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        command TEXT NOT NULL,          -- 'tag', 'undo', ...
        arguments TEXT NOT NULL,        -- JSON list, as typed, without secrets
        model TEXT NOT NULL,
        started REAL NOT NULL,          -- seconds since the epoch
        finished REAL,                  -- NULL: interrupted
        summary TEXT NOT NULL DEFAULT '{}'
    );
    CREATE TABLE answers (              -- what a model said about a picture; never asked twice
        picture_hash TEXT NOT NULL,
        model TEXT NOT NULL,
        prompt TEXT NOT NULL,           -- Prompt.key
        description TEXT NOT NULL,      -- JSON of domain.Description
        created REAL NOT NULL,
        PRIMARY KEY (picture_hash, model, prompt)
    ) WITHOUT ROWID;
    CREATE TABLE writes (               -- the journal: committed before the file is replaced
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs,
        photo BLOB NOT NULL,            -- os.fsencode(path)
        target BLOB NOT NULL,
        engine TEXT NOT NULL,
        before TEXT NOT NULL,           -- JSON: tags, title, description, alt_text
        after TEXT NOT NULL,
        before_hash TEXT NOT NULL,
        after_hash TEXT NOT NULL,
        patch BLOB NOT NULL,
        picture_hash TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'   -- pending, done, void (never happened), undone
    );
    CREATE INDEX writes_run ON writes (run);
    CREATE INDEX writes_photo ON writes (photo);
    CREATE INDEX writes_pending ON writes (state) WHERE state = 'pending';
    CREATE TABLE photos (               -- the index: a file whose stamp is unchanged is not opened again
        path BLOB PRIMARY KEY,
        stamp TEXT NOT NULL,            -- size and times of the photo and its sidecar
        picture_hash TEXT NOT NULL,
        tags TEXT NOT NULL,             -- JSON list: what the file carries
        wanted TEXT                     -- JSON: what tagroll last made of it (tags, mode); NULL: not tagged by us
    ) WITHOUT ROWID;
    CREATE INDEX photos_picture ON photos (picture_hash);
    """,
    """
    CREATE TABLE decisions (            -- what was decided about tags
        kind TEXT NOT NULL,             -- 'into': tag becomes other; 'apart': they stay two (tag < other)
        tag TEXT NOT NULL,
        other TEXT NOT NULL,
        run INTEGER REFERENCES runs,    -- who acted on it; NULL: holds whatever is undone
        created REAL NOT NULL,
        PRIMARY KEY (kind, tag, other)
    ) WITHOUT ROWID;
    CREATE TABLE embeddings (           -- what an embedder made of a text; never asked twice
        model TEXT NOT NULL,
        text TEXT NOT NULL,
        vector BLOB NOT NULL,           -- float32, little-endian, length 1
        PRIMARY KEY (model, text)
    );
    """,
    """
    ALTER TABLE writes ADD COLUMN undoes INTEGER REFERENCES writes;  -- the write that this one took back
    PRAGMA application_id = 1952540530; -- "tagr": this file is a catalog, whatever it is called
    """,
    """
    CREATE TABLE proposals (            -- what a plan file proposed: a line that is gone from it says no
        id TEXT PRIMARY KEY,            -- in the file; a hash of `merges`
        merges TEXT NOT NULL,           -- JSON: tag -> word
        created REAL NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE servers (              -- which model was found where: under its name kept answers are looked for
        place TEXT PRIMARY KEY,         -- JSON: the addresses, and the model that was asked for
        model TEXT NOT NULL             -- '': none, the built-in model was taken
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE limits (               -- how many requests at once a server took the last time: a run begins there
        place TEXT PRIMARY KEY,         -- JSON: its address, and its model
        at_once INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE shown (                -- `photos` with all that a gallery shows; a row is never deleted, so that ids stay
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE,
        stamp TEXT NOT NULL,            -- size and times of the photo and its sidecar; '': look at the file again
        picture_hash TEXT NOT NULL,     -- of the picture as it was when it was last hashed; '': never
        pictured INTEGER NOT NULL,      -- 1: the hash is of the file as the stamp says
        tags TEXT NOT NULL,             -- JSON list: what the file carries
        wanted TEXT,                    -- JSON: what tagroll last made of it (tags, mode); NULL: not tagged by us
        known INTEGER NOT NULL DEFAULT 0,           -- 1: what follows is what the file says as of the stamp
        format TEXT NOT NULL DEFAULT '',
        width INTEGER NOT NULL DEFAULT 0,           -- of the upright picture; 0: unknown
        height INTEGER NOT NULL DEFAULT 0,
        taken INTEGER,                              -- local seconds since 1970-01-01, as the camera's clock told it
        camera TEXT NOT NULL DEFAULT '',
        latitude REAL,
        longitude REAL,
        rating INTEGER,                             -- 0..5, -1: rejected
        title TEXT NOT NULL DEFAULT '',
        description TEXT NOT NULL DEFAULT '',
        modified INTEGER NOT NULL DEFAULT 0,        -- seconds since the epoch: orders what tells no date
        error TEXT NOT NULL DEFAULT '',             -- why it could not be read the last time
        hint TEXT NOT NULL DEFAULT '',
        gone INTEGER NOT NULL DEFAULT 0,            -- 1: was not there any more
        version INTEGER NOT NULL DEFAULT 0          -- grows with every change of any row: what is new is above
    );
    INSERT INTO shown (path, stamp, picture_hash, pictured, tags, wanted, version)
        SELECT path, stamp, picture_hash, stamp != '' AND picture_hash != '', tags, wanted, 0 FROM photos;
    UPDATE shown SET version = id;
    DROP TABLE photos;
    ALTER TABLE shown RENAME TO photos;
    CREATE INDEX photos_picture ON photos (picture_hash);
    CREATE INDEX photos_version ON photos (version);
    CREATE VIRTUAL TABLE texts USING fts5 (         -- what is searched of a photo; rowid: its id
        tags, title, description, folder, name, camera, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
    );
    CREATE TABLE texts_of (version INTEGER NOT NULL);   -- up to which version `texts` has what the photos say
    INSERT INTO texts_of VALUES (0);
    CREATE TABLE searches (             -- what a person searches again and again
        name TEXT PRIMARY KEY,
        query TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE verdicts (             -- what a person said of a tag of a picture; of those in force the last one counts
        id INTEGER PRIMARY KEY,
        picture_hash TEXT NOT NULL,
        word TEXT NOT NULL,             -- identity of the last level of the tag
        yes INTEGER NOT NULL,
        run INTEGER REFERENCES runs,    -- the run that gave or took the tag; NULL: it was only said
        created REAL NOT NULL,
        UNIQUE (picture_hash, word, run)
    );
    CREATE INDEX answers_created ON answers (created);
    """,
    """
    CREATE TABLE mark (number INTEGER NOT NULL);    -- tells photos from those that have their numbers in other catalogs
    INSERT INTO mark VALUES (1 + abs(random() % 65535));
    """,
    """
    CREATE TABLE said (                 -- what a run only said of tags, so that it can be taken back
        run INTEGER NOT NULL REFERENCES runs,
        picture_hash TEXT NOT NULL,
        word TEXT NOT NULL,
        before INTEGER,                 -- what was said so before; NULL: nothing
        PRIMARY KEY (run, picture_hash, word)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE accepted (             -- a picture that took the place of the one that was there when a photo was written
        write INTEGER PRIMARY KEY REFERENCES writes,    -- the last write for the photo; a later one knows better
        picture_hash TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE relations (            -- what a model said of two tags; never asked twice
        model TEXT NOT NULL,
        prompt TEXT NOT NULL,           -- names the wording of the question
        tag TEXT NOT NULL,              -- tag < other
        other TEXT NOT NULL,
        relation TEXT NOT NULL,         -- of tag to other: 'same', 'narrower', 'broader', ...
        is_same INTEGER,                -- of a pair whose answer was known: what is right; else NULL
        created REAL NOT NULL,
        PRIMARY KEY (model, prompt, tag, other)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE readings (             -- the text in a picture; read once
        picture_hash TEXT PRIMARY KEY,
        reader TEXT NOT NULL,           -- what read it
        lines TEXT NOT NULL,            -- one a line; '': none
        tags TEXT NOT NULL              -- JSON list: what follows from them
    ) WITHOUT ROWID;
    DROP TABLE texts;
    CREATE VIRTUAL TABLE texts USING fts5 (         -- as it was, and the text in the picture
        tags, title, description, folder, name, camera, inside,
        tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
    );
    UPDATE texts_of SET version = 0;
    """,
    """
    CREATE TABLE features (             -- what the built-in model's network sees in a picture, as numbers
        id INTEGER PRIMARY KEY AUTOINCREMENT,       -- what is new is above
        picture_hash TEXT NOT NULL,
        model TEXT NOT NULL,            -- name and version of the model
        vector BLOB NOT NULL,           -- tags.packed
        UNIQUE (picture_hash, model)
    );
    CREATE TABLE learned (              -- what was learned of a person's tags; the whole is made anew each time
        word TEXT PRIMARY KEY,          -- identity of the last level of the tag
        said TEXT NOT NULL,             -- JSON: catalog.learned.Learned, but for the weights
        weights BLOB NOT NULL           -- float32, little-endian; empty where it is too little to tell
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE promises (             -- how sure a model has to be of its words
        model TEXT PRIMARY KEY,
        said TEXT NOT NULL              -- JSON: catalog.promises.Promise
    ) WITHOUT ROWID;
    """,
)
_APPLICATION = 1952540530
_TABLES = {"runs", "answers", "writes", "photos"}
"""What a catalog has that was made before it said what it is."""


def check(connection: sqlite3.Connection) -> None:
    """See that a database is a catalog that this tagroll knows, or empty. Writes nothing.

    Raises:
        CatalogError: It is another program's, or was made by a newer tagroll.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = _version(connection)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    ours = application == _APPLICATION or (not application and (not tables or tables >= _TABLES))
    if not ours:
        raise CatalogError(
            "this is another program's database, no catalog of tagroll; nothing was changed in it",
            "Name a file of tagroll's own with --catalog FILE",
        )
    if version > len(MIGRATIONS):
        raise CatalogError(
            f"this catalog was made by a newer tagroll (its version {version}, known here: {len(MIGRATIONS)})",
            "Update tagroll, or name another catalog with --catalog FILE",
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables of a catalog up to date (see `check`). Two programs may do so at the same time."""
    for number, script in enumerate(MIGRATIONS, start=1):
        if _version(connection) >= number:
            continue
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.OperationalError:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if _version(connection) < number:  # else another one was quicker
                raise


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
