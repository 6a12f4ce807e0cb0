using Microsoft.Extensions.Options;

namespace MtaTls.Configuration;

/// <summary>All errors of a configuration. Each begins with the full key of the wrong setting.</summary>
internal sealed class ErrorList
{
    private readonly List<string> _all = [];

    public IReadOnlyList<string> All => _all;

    public void Add(string key, string problem) => _all.Add($"{key}: {problem}");

    public void AddRange(IEnumerable<string> errors) => _all.AddRange(errors);

    public ValidateOptionsResult ToResult() => _all.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(_all);
}
