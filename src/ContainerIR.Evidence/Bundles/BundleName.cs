using System.Globalization;
using System.Text;

namespace ContainerIR.Evidence.Bundles;

/// <summary>The name of a bundle's directory: <c>EV-CASE-yyyymmddThhmmssZ-HOST8-CID12</c>, of <c>[A-Za-z0-9._-]</c>, at most 100 characters.</summary>
public static class BundleName
{
    internal const int MaxCharacters = 100;
    private const int HostCharacters = 8;
    private const int ContainerCharacters = 12;

    /// <summary>Makes the name. Any other character becomes a hyphen; a long case id is cut.</summary>
    /// <param name="caseId">Case id as the operator gave it.</param>
    /// <param name="at">When the acquisition began.</param>
    /// <param name="host">Name of the host; the first 8 characters are kept.</param>
    /// <param name="containerId">Id of the container; the first 12 characters are kept.</param>
    public static string Make(string caseId, DateTimeOffset at, string host, string containerId)
    {
        ArgumentNullException.ThrowIfNull(caseId);
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(containerId);
        string time = at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string tail = $"-{time}-{Clean(host, HostCharacters)}-{Clean(containerId, ContainerCharacters)}";
        return $"EV-{Clean(caseId, MaxCharacters - 3 - tail.Length)}{tail}";
    }

    private static string Clean(string text, int maxCharacters)
    {
        StringBuilder clean = new(Math.Min(text.Length, maxCharacters));
        foreach (char c in text)
        {
            if (clean.Length == maxCharacters)
            {
                break;
            }

            clean.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-');
        }

        return clean.Length == 0 ? "none" : clean.ToString();
    }
}
