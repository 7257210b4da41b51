using ContainerIR.Collectors;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.House;

/// <summary>The explicit lists: complete, and in order.</summary>
public sealed class The_list_of_collectors
{
    [Fact]
    public void Names_every_collector_file()
    {
        string folder = Path.Combine(Repository.Root, "src", "ContainerIR", "Collectors");
        IEnumerable<string> files = Directory.EnumerateFiles(folder, "*Collector.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetFileNameWithoutExtension(file)!)
            .Where(name => name != nameof(ICollector));
        string list = File.ReadAllText(Path.Combine(folder, "CollectorList.cs"));
        Assert.DoesNotContain(files, name => !list.Contains($"new {name}(", StringComparison.Ordinal));
        Assert.NotEmpty(CollectorList.All);
    }

    [Fact]
    public void Stands_in_order_of_volatility() =>
        Assert.Equal(CollectorList.All.OrderBy(entry => entry.Volatility).Select(entry => entry.Name), CollectorList.All.Select(entry => entry.Name));

    [Fact]
    public void Has_each_name_once() =>
        Assert.Equal(CollectorList.All.Count, CollectorList.All.Select(entry => entry.Name).Distinct().Count());
}
