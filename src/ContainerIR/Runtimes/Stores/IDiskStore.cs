using System.Text.Json;

namespace ContainerIR.Runtimes.Stores;

/// <summary>A data directory of one kind of engine. Its containers come as the documents the engine would give of them, made of its files.</summary>
internal interface IDiskStore
{
    /// <summary>Kind of engine: <c>docker</c>, <c>podman</c>.</summary>
    string Kind { get; }

    /// <summary>Storage driver.</summary>
    string Driver { get; }

    /// <summary>Ids of all containers.</summary>
    IEnumerable<string> ContainerIds();

    /// <summary>Writes what the engine would answer to GET /containers/{id}/json, as far as its files say it.</summary>
    /// <exception cref="ContainerIR.Linux.HostFileException">They cannot be read.</exception>
    /// <exception cref="InvalidDataException">They are not what such a store holds.</exception>
    void WriteInspect(Utf8JsonWriter json, string id);

    /// <summary>Where a path of the host the disk comes from lies now; null when it is not on the disk given.</summary>
    string? OnDisk(string id, string hostPath);

    /// <summary>Tags of an image.</summary>
    IReadOnlyList<string> TagsOf(string imageId);
}
