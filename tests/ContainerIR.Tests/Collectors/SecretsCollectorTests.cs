using System.Text;
using System.Text.Json;
using ContainerIR.Collectors;
using ContainerIR.Rows;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Collectors;

public sealed class The_rotation_list
{
    // Put together here, so that no scanner of this repository takes them for keys.
    private static readonly string AccessKey = "AKIA" + "ABCDEFGHIJKLMNOP";
    private static readonly string Token = "ghp" + "_" + new string('k', 36);

    [Fact]
    public async Task Names_what_opens_doors_and_where_and_never_its_value()
    {
        string socket = RealEngine.SocketPath;
        string tag = $"cir-test:secrets-{Environment.ProcessId}", folder = Directory.CreateTempSubdirectory("cir-secrets-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "settings.py"), $"DEBUG = True\nDATABASE_PASSWORD = 'hunter2hunter2'\nKEY = \"{AccessKey}\"\nPASSWORD = $FROM_ENV\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "id_rsa"), "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "Dockerfile"),
            $"FROM {RealEngine.Image}\nCOPY id_rsa /root/.ssh/id_rsa\nRUN rm /root/.ssh/id_rsa\nCOPY settings.py /srv/app/settings.py\nENV IMAGE_TOKEN={Token}\nRUN echo login --password 'verysecretvalue' >/dev/null\n", TestContext.Current.CancellationToken);
        RealEngine.Docker("build", "-q", "-t", tag, folder);
        try
        {
            using TestContainer container = new(["-e", "DB_PASSWORD=correcthorse", "-e", "URL=postgres://app:urlpassword@db/x", "-e", "HOME=/root", "-v", $"{socket}:/var/run/docker.sock"], tag, ["sleep", "1000"]);
            container.Exec("mkdir -p /root/.aws && echo 'aws_secret_access_key = wJalrXUtnFEMIK7MDENG' > /root/.aws/credentials");
            using FolderSink sink = await Engine.Collect(container.Id, context => new SecretsCollector(context));
            List<JsonElement> rows = [.. File.ReadLines(sink.PathOf("secrets.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.Clone())];
            string[] found = [.. rows.Select(row => $"{row.Text("kind")} {row.Text("name")} {row.Text("where")} {(row.Flag("visible_in_container") ? "" : "deleted")}".Replace("  ", " ", StringComparison.Ordinal).Trim())];
            Assert.Contains("password DB_PASSWORD environment of the container", found);
            Assert.Contains("url-with-password URL environment of the container", found);
            Assert.Contains("github-token IMAGE_TOKEN environment of the image", found);
            Assert.Contains(found, row => row.StartsWith("password password step ", StringComparison.Ordinal));
            Assert.Contains($"engine-socket mount /var/run/docker.sock from {socket}", found);
            Assert.Contains("aws-credentials /root/.aws/credentials", found);
            Assert.Contains("password aws_secret_access_key /root/.aws/credentials", found);
            Assert.Contains("password DATABASE_PASSWORD /srv/app/settings.py", found);
            Assert.Contains("aws-access-key /srv/app/settings.py", found);
            Assert.Contains("private-key /root/.ssh/id_rsa deleted", found);
            Assert.DoesNotContain(found, row => row.Contains(" PASSWORD ", StringComparison.Ordinal) || row.Contains("HOME", StringComparison.Ordinal));
            Assert.Equal(2, rows.Single(row => row.Text("name") == "DATABASE_PASSWORD").Number("line"));
            string all = Encoding.UTF8.GetString(sink.Read("secrets.jsonl"));
            Assert.All(new[] { "hunter2", "correcthorse", "urlpassword", AccessKey, Token, "verysecretvalue", "wJalrXUtn", "b3BlbnNz" }, value => Assert.DoesNotContain(value, all, StringComparison.Ordinal));
            Assert.Empty(sink.Gaps);
        }
        finally
        {
            RealEngine.Docker("rmi", "-f", tag);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("/bin/sh -c #(nop)  ENV SHOP_TOKEN=correct-horse", "/bin/sh -c #(nop)  ENV SHOP_TOKEN=*** (13 characters)", "SHOP_TOKEN")]
    [InlineData("run --env API_KEY=correct-horse --password 'battery-staple' now", "run --env API_KEY=*** (13 characters) --password '*** (14 characters)' now", "API_KEY password")]
    [InlineData("psql postgres://app:correct-horse@db/x", "psql postgres://app:*** (13 characters)@db/x", "")]
    [InlineData("nc 10.0.0.1 4444 --token $TOKEN", "nc 10.0.0.1 4444 --token $TOKEN", "")]
    public void Finds_and_conceals_values_in_a_command(string command, string shown, string names)
    {
        Assert.Equal(shown, SecretPatterns.Conceal(command));
        Assert.Equal(shown, SecretPatterns.Conceal(shown));
        Assert.Equal(names, string.Join(' ', SecretPatterns.OfCommand(command).Select(sign => sign.Name)));
    }

    [Property(MaxTest = 300)]
    public void Is_never_a_failure_whatever_a_file_holds(byte[] bytes)
    {
        SecretPatterns.Of(bytes);
        SecretPatterns.OfCommand(Encoding.Latin1.GetString(bytes));
        SecretPatterns.Conceal(Encoding.Latin1.GetString(bytes));
        SecretPatterns.OfVariable("password", Encoding.Latin1.GetString(bytes));
    }

    [Fact]
    public void Takes_no_long_time_for_lines_made_to_confuse()
    {
        byte[] hostile = Encoding.ASCII.GetBytes(string.Join('\n', new string('e', 16_000) + "yJ", string.Concat(Enumerable.Repeat("eyJaaaaaaaaaaaa.", 900)), new string(' ', 15_000) + "=", string.Concat(Enumerable.Repeat("password", 1900))));
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();
        SecretPatterns.Of(hostile);
        SecretPatterns.Conceal(Encoding.ASCII.GetString(hostile));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }
}
