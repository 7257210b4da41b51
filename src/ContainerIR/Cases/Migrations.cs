namespace ContainerIR.Cases;

/// <summary>
/// How <c>case.db</c> came to its present shape, step by step: step N brings <c>user_version</c> to N. Append only; a step that was released is never
/// edited. Nothing here needs a newer SQLite than 3.40.
/// </summary>
/// <remarks>
/// Two kinds of tables. The <b>record</b> (<c>case</c>, <c>casebook</c>) exists nowhere else. The <b>index</b>
/// (<see cref="IndexTables"/>) says again what the sealed bundles say and can be thrown away and filled anew. Instants are nanoseconds since
/// 1970-01-01 UTC, held at the ends of 64 bits where a file claims more; the exact value stands in the bundle. Paths of files are the bytes found (BLOB) with
/// the same escaped beside them (<c>display</c>); texts of processes and sockets are in display form, their exact bytes stand in the item at <c>row</c>.
/// </remarks>
internal static class Migrations
{
    /// <summary>"CIRc": says that a SQLite file is a case of ours.</summary>
    public const int ApplicationId = 0x43495263;

    /// <summary>The tables that are filled from bundles, children before parents.</summary>
    public static IReadOnlyList<string> IndexTables { get; } =
        ["text_slice", "text_group", "text_line", "finding", "timeline", "socket", "process", "diff_entry", "journal_entry", "index_note", "gap", "item", "bundle"];

    public static IReadOnlyList<string> All { get; } =
    [
        // 1: the first shape.
        """
        CREATE TABLE "case" (
            one           INTEGER PRIMARY KEY CHECK (one = 1),
            id            TEXT NOT NULL,
            created_at_ns INTEGER NOT NULL,
            examiner      TEXT,
            reason        TEXT
        ) STRICT;

        CREATE TABLE bundle (
            id             INTEGER PRIMARY KEY,
            uid            TEXT NOT NULL UNIQUE,
            folder         TEXT NOT NULL UNIQUE,
            root_sha256    TEXT NOT NULL,
            case_id        TEXT,
            host           TEXT,
            container_id   TEXT,
            container_name TEXT,
            image_name     TEXT,
            image_id       TEXT,
            scope          TEXT,
            examiner       TEXT,
            reason         TEXT,
            tool_version   TEXT,
            opened_at_ns   INTEGER,
            sealed_at_ns   INTEGER
        ) STRICT;

        CREATE TABLE item (
            id              INTEGER PRIMARY KEY,
            bundle_id       INTEGER NOT NULL REFERENCES bundle (id),
            path            TEXT NOT NULL,
            collector       TEXT NOT NULL,
            source          TEXT NOT NULL,
            volatility_rank INTEGER NOT NULL,
            status          TEXT NOT NULL,
            stored_bytes    INTEGER NOT NULL,
            raw_bytes       INTEGER NOT NULL,
            sha256          TEXT NOT NULL,
            raw_sha256      TEXT NOT NULL,
            opened_at_ns    INTEGER NOT NULL,
            closed_at_ns    INTEGER NOT NULL,
            error           TEXT,
            UNIQUE (bundle_id, path)
        ) STRICT;

        CREATE TABLE gap (
            id        INTEGER PRIMARY KEY,
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            collector TEXT NOT NULL,
            sought    TEXT NOT NULL,
            reason    TEXT NOT NULL,
            at_ns     INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX gap_bundle ON gap (bundle_id);

        -- What the index left out of an item and why: a line that is not what its kind of item holds, a limit that was reached.
        CREATE TABLE index_note (
            id        INTEGER PRIMARY KEY,
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            path      TEXT NOT NULL,
            row       INTEGER,
            note      TEXT NOT NULL
        ) STRICT;
        CREATE INDEX index_note_bundle ON index_note (bundle_id);

        CREATE TABLE journal_entry (
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            seq       INTEGER NOT NULL,
            at_ns     INTEGER NOT NULL,
            event     TEXT NOT NULL,
            line      TEXT NOT NULL,
            PRIMARY KEY (bundle_id, seq)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE diff_entry (
            id        INTEGER PRIMARY KEY,
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            item_id   INTEGER NOT NULL REFERENCES item (id),
            row       INTEGER NOT NULL,
            path      BLOB NOT NULL,
            display   TEXT NOT NULL,
            verdict   TEXT NOT NULL,
            kind      TEXT NOT NULL,
            mode      INTEGER,
            uid       INTEGER,
            gid       INTEGER,
            size      INTEGER,
            atime_ns  INTEGER,
            mtime_ns  INTEGER,
            ctime_ns  INTEGER,
            btime_ns  INTEGER,
            ino       INTEGER,
            nlink     INTEGER,
            target    BLOB,
            sha256    BLOB
        ) STRICT;
        CREATE INDEX diff_entry_bundle ON diff_entry (bundle_id, verdict);
        CREATE INDEX diff_entry_path ON diff_entry (path);
        CREATE INDEX diff_entry_sha256 ON diff_entry (sha256) WHERE sha256 IS NOT NULL;

        CREATE TABLE process (
            id            INTEGER PRIMARY KEY,
            bundle_id     INTEGER NOT NULL REFERENCES bundle (id),
            item_id       INTEGER NOT NULL REFERENCES item (id),
            row           INTEGER NOT NULL,
            pid           INTEGER NOT NULL,
            ppid          INTEGER,
            ns_pid        INTEGER,
            uid           INTEGER,
            name          TEXT,
            exe           TEXT,
            exe_deleted   INTEGER NOT NULL,
            exe_sha256    BLOB,
            command       TEXT NOT NULL,
            started_at_ns INTEGER,
            signs         TEXT NOT NULL
        ) STRICT;
        CREATE INDEX process_bundle ON process (bundle_id);
        CREATE INDEX process_exe_sha256 ON process (exe_sha256) WHERE exe_sha256 IS NOT NULL;

        CREATE TABLE socket (
            id             INTEGER PRIMARY KEY,
            bundle_id      INTEGER NOT NULL REFERENCES bundle (id),
            item_id        INTEGER NOT NULL REFERENCES item (id),
            row            INTEGER NOT NULL,
            protocol       TEXT NOT NULL,
            state          TEXT,
            local_address  TEXT,
            local_port     INTEGER,
            remote_address TEXT,
            remote_port    INTEGER,
            peer           TEXT,
            name           TEXT,
            inode          INTEGER,
            uid            INTEGER,
            pid            INTEGER,
            process        TEXT,
            host_side      INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX socket_bundle ON socket (bundle_id);
        CREATE INDEX socket_remote ON socket (remote_address) WHERE remote_address IS NOT NULL;

        -- One row form for everything that happened: when, what that instant means, who says so, what it says, and the line that says it.
        CREATE TABLE timeline (
            id        INTEGER PRIMARY KEY,
            at_ns     INTEGER NOT NULL,
            meaning   TEXT NOT NULL,
            source    TEXT NOT NULL,
            message   TEXT NOT NULL,
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            item_id   INTEGER REFERENCES item (id),
            row       INTEGER
        ) STRICT;
        CREATE INDEX timeline_at ON timeline (at_ns);
        CREATE INDEX timeline_bundle ON timeline (bundle_id, source, at_ns);
        """,

        // 2: the casebook, which only grows. A trigger on insertion too: INSERT OR REPLACE deletes without firing the one on deletion.
        """
        CREATE TABLE casebook (
            seq       INTEGER PRIMARY KEY,
            utc_ns    INTEGER NOT NULL,
            run       TEXT NOT NULL,
            run_seq   INTEGER NOT NULL,
            event     TEXT NOT NULL,
            line      TEXT NOT NULL,
            prev_hash TEXT NOT NULL,
            hash      TEXT NOT NULL UNIQUE,
            UNIQUE (run, run_seq)
        ) STRICT;
        CREATE INDEX casebook_utc ON casebook (utc_ns);
        CREATE TRIGGER casebook_insert BEFORE INSERT ON casebook
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM casebook)
            OR NEW.prev_hash IS NOT coalesce((SELECT hash FROM casebook ORDER BY seq DESC LIMIT 1), '0000000000000000000000000000000000000000000000000000000000000000')
            OR EXISTS (SELECT 1 FROM casebook WHERE (run = NEW.run AND run_seq = NEW.run_seq) OR hash = NEW.hash)
        BEGIN SELECT RAISE(ABORT, 'the casebook takes new rows at its end alone'); END;
        CREATE TRIGGER casebook_update BEFORE UPDATE ON casebook BEGIN SELECT RAISE(ABORT, 'the casebook is append-only'); END;
        CREATE TRIGGER casebook_delete BEFORE DELETE ON casebook BEGIN SELECT RAISE(ABORT, 'the casebook is append-only'); END;
        """,

        // 3: what the analyzers say of each bundle. A bundle whose score is null was indexed before, and is judged when the index is filled again.
        """
        ALTER TABLE bundle ADD COLUMN score INTEGER;
        ALTER TABLE bundle ADD COLUMN findings_left_out INTEGER;
        ALTER TABLE bundle ADD COLUMN not_judged INTEGER;
        CREATE TABLE finding (
            id            INTEGER PRIMARY KEY,
            bundle_id     INTEGER NOT NULL REFERENCES bundle (id),
            severity      INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 4),
            rule          TEXT NOT NULL,
            title         TEXT NOT NULL,
            attack        TEXT NOT NULL,
            seen          TEXT NOT NULL,
            item          TEXT NOT NULL,
            row           INTEGER,
            byte_offset   INTEGER,
            lowered_by    TEXT,
            suppressed_by TEXT
        ) STRICT;
        CREATE INDEX finding_bundle ON finding (bundle_id, severity);
        """,

        // 4: search. text_line: texts without a table of their own. text_group and text_slice: the text filter (TextFilterWriter says how it is cut); rows that were
        // there before have a group without filter, which is read whole.
        """
        CREATE TABLE text_line (
            id        INTEGER PRIMARY KEY,
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            item_id   INTEGER NOT NULL REFERENCES item (id),
            row       INTEGER,
            kind      TEXT NOT NULL,
            text      TEXT NOT NULL
        ) STRICT;
        CREATE INDEX text_line_bundle ON text_line (bundle_id);

        CREATE TABLE text_group (
            id        INTEGER PRIMARY KEY,
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            of        TEXT NOT NULL,
            first_id  INTEGER NOT NULL,
            last_id   INTEGER NOT NULL,
            starts    BLOB
        ) STRICT;
        CREATE INDEX text_group_bundle ON text_group (bundle_id);
        CREATE INDEX text_group_of ON text_group (of, first_id);

        CREATE TABLE text_slice (
            id        INTEGER PRIMARY KEY,
            bundle_id INTEGER NOT NULL REFERENCES bundle (id),
            group_id  INTEGER NOT NULL REFERENCES text_group (id),
            piece     INTEGER NOT NULL,
            bits      BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX text_slice_group ON text_slice (group_id, piece);
        CREATE INDEX text_slice_bundle ON text_slice (bundle_id);

        INSERT INTO text_group (bundle_id, of, first_id, last_id) SELECT bundle_id, 'timeline', min(id), max(id) FROM timeline GROUP BY bundle_id;
        INSERT INTO text_group (bundle_id, of, first_id, last_id) SELECT bundle_id, 'diff_entry', min(id), max(id) FROM diff_entry GROUP BY bundle_id;
        INSERT INTO text_group (bundle_id, of, first_id, last_id) SELECT bundle_id, 'process', min(id), max(id) FROM process GROUP BY bundle_id;

        CREATE INDEX socket_local ON socket (local_address) WHERE local_address IS NOT NULL;
        CREATE INDEX item_sha256 ON item (sha256);
        CREATE INDEX item_raw_sha256 ON item (raw_sha256);
        """,
    ];
}
