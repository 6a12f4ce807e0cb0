using MtaTls.AspNetCore.Routing;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>The URL for each channel destination, the most specific entry first.</summary>
internal sealed class DestinationTable
{
    private readonly List<(DestinationPattern Pattern, string Url)> _entries = [];

    public DestinationTable(IEnumerable<KeyValuePair<string, string>> destinations, string key, List<string> errors)
    {
        foreach ((string destination, string url) in destinations)
        {
            bool valid = DestinationPattern.TryParse(destination, out DestinationPattern? pattern, out string? error);
            if (!valid)
            {
                errors.Add($"{key}:{destination}: {error}.");
            }

            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps) || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            {
                errors.Add($"{key}:{destination}: '{url}' is not an absolute http:// or https:// URL without query.");
            }
            else if (valid)
            {
                _entries.Add((pattern!, url));
            }
        }

        _entries.Sort((x, y) => y.Pattern.Specificity.CompareTo(x.Pattern.Specificity));
    }

    public string? Find(ChannelTarget target)
    {
        foreach ((DestinationPattern pattern, string url) in _entries)
        {
            if (target.Matches(pattern))
            {
                return url;
            }
        }

        return null;
    }
}
