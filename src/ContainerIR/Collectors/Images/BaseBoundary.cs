namespace ContainerIR.Collectors.Images;

/// <summary>A step of an image's history.</summary>
/// <param name="CreatedBy">Command, as found.</param>
/// <param name="IsEmpty">Whether it made no layer.</param>
internal sealed record HistoryStep(string CreatedBy, bool IsEmpty);

/// <summary>Another image of the host.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Tags">Its names.</param>
/// <param name="DiffIds">Its layers, the lowest first.</param>
internal sealed record LocalImage(string Id, IReadOnlyList<string> Tags, IReadOnlyList<string> DiffIds);

/// <summary>Which layers of an image are of the image it was built on.</summary>
/// <param name="Layers">How many of the lowest; 0 when unknown.</param>
/// <param name="Confidence"><c>certain</c> (another local image has exactly these layers), <c>likely</c>, <c>guess</c>, <c>unknown</c>.</param>
/// <param name="Why">In words.</param>
/// <param name="Images">Local images that end there.</param>
internal sealed record BaseBoundary(int Layers, string Confidence, string Why, IReadOnlyList<LocalImage> Images)
{
    /// <summary>Finds it: by images that share a chain of layers, then by the history's own marks.</summary>
    /// <param name="id">The image's id.</param>
    /// <param name="diffIds">Its layers, the lowest first.</param>
    /// <param name="history">Its history, the oldest first.</param>
    /// <param name="others">Images of the host.</param>
    public static BaseBoundary Find(string id, IReadOnlyList<string> diffIds, IReadOnlyList<HistoryStep> history, IReadOnlyList<LocalImage> others)
    {
        if (diffIds.Count == 0)
        {
            return new(0, "unknown", "the image's layers are not known", []);
        }

        // Of images that are built on each other the one with most layers is the direct base. Intermediate images of a build have no name and do not count.
        List<LocalImage> below =
        [
            .. others.Where(other => other.Id != id && other.Tags.Count > 0 && other.DiffIds.Count > 0 && other.DiffIds.Count < diffIds.Count
                && other.DiffIds.SequenceEqual(diffIds.Take(other.DiffIds.Count))),
        ];
        if (below.Count > 0)
        {
            int layers = below.Max(other => other.DiffIds.Count);
            return new(layers, "certain", (layers == 1 ? "its lowest layer is the one layer" : $"its lowest {layers} layers are all the layers") + " of a named image of this host", [.. below.Where(other => other.DiffIds.Count == layers)]);
        }

        if (diffIds.Count == 1)
        {
            return new(0, "unknown", "it has one layer: what was below its making cannot be told apart", []);
        }

        int steps = 0;
        foreach ((HistoryStep step, int index) in history.Select((step, index) => (step, index)))
        {
            steps += step.IsEmpty ? 0 : 1;
            bool isEnd = step.IsEmpty && (step.CreatedBy.Contains("CMD [", StringComparison.Ordinal) || step.CreatedBy.Contains("CMD [\"", StringComparison.Ordinal) || step.CreatedBy.Contains("ENTRYPOINT [", StringComparison.Ordinal));
            if (isEnd && steps > 0 && steps < diffIds.Count)
            {
                return new(steps, "likely", $"step {index + 1} of its history sets a command, and layers follow: an image usually ends with its command", []);
            }
        }

        bool isImported = history.FirstOrDefault(step => !step.IsEmpty) is { } first
            && (first.CreatedBy.Contains("ADD file:", StringComparison.Ordinal) || first.CreatedBy.Contains("ADD rootfs", StringComparison.Ordinal) || first.CreatedBy.Contains("debootstrap", StringComparison.Ordinal) || first.CreatedBy.Contains("debuerreotype", StringComparison.Ordinal));
        return isImported
            ? new(1, "guess", "its first layer adds a whole file system, as distributions' images do", [])
            : new(0, "unknown", "no local image shares its layers, and its history has no mark", []);
    }
}
