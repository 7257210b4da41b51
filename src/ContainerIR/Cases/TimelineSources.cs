namespace ContainerIR.Cases;

/// <summary>The words of <see cref="TimelineRow.Source"/> and what each of them can be trusted for.</summary>
public static class TimelineSources
{
    /// <summary>
    /// Times of an object of the container's writable layer. <c>changed</c> and <c>born</c> are the kernel's; <c>modified</c> and <c>accessed</c> can be set
    /// by any program that may write the file. Of a deleted file the object is its deletion mark: <c>born</c> and <c>changed</c> say when it was deleted.
    /// </summary>
    public const string File = "file";

    /// <summary>Times of what stood at that path before, in the image's layers: what a changed or deleted file was.</summary>
    public const string FileBefore = "file-before";

    /// <summary><c>started</c>: start of a process that ran when it was captured, by the kernel's clock (start ticks since boot, 10 ms exact).</summary>
    public const string Process = "process";

    /// <summary><c>logged</c>: one line the container wrote; the time is the log driver's, never one found in the text.</summary>
    public const string Log = "log";

    /// <summary>An event the engine told of this container; the meaning is its class: <c>exec</c>, <c>lifecycle</c>, <c>oom</c>, <c>health</c>, <c>access</c> …</summary>
    public const string Engine = "engine";

    /// <summary>An event the engine told of something else on the same host.</summary>
    public const string EngineOther = "engine-other";

    /// <summary>Somebody did something on the host: a login, sudo, a client of the engine, an exec session; the meaning is the row's kind.</summary>
    public const string Host = "host";

    /// <summary><c>built</c>: one step of the image's history. The builder wrote the time: it can be any.</summary>
    public const string Image = "image";

    /// <summary>
    /// <c>last-sent</c>, <c>last-received</c>: when data last went through a socket. The kernel gives an age in ms; the instant is counted back from when the
    /// reading of the table began, so it is early by at most the time that took.
    /// </summary>
    public const string Socket = "socket";

    /// <summary>What was done to take the evidence, from the bundle's journal; the meaning is the journal's event: <c>item.close</c>, <c>seal</c>, <c>effect</c> …</summary>
    public const string Custody = "custody";

    /// <summary>What a playbook did, from the case's record; the meaning is the row's event: <c>executed</c>, <c>approved</c>, <c>break_glass</c> …</summary>
    public const string Playbook = "playbook";

    /// <summary>What people did to the case, from its record; the meaning is the row's event: <c>note</c>, <c>acquired</c>, <c>closed</c> …</summary>
    public const string Case = "case";

    /// <summary>All of them, in the order of this file.</summary>
    public static IReadOnlyList<string> All { get; } = [File, FileBefore, Process, Log, Engine, EngineOther, Host, Image, Socket, Custody, Playbook, Case];
}
