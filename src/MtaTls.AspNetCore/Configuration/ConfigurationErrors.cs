namespace MtaTls.AspNetCore.Configuration;

/// <summary>What is wrong with the configuration, each line beginning with the key that it is about.</summary>
internal sealed class ConfigurationErrors
{
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> All => _errors;

    public void Add(string key, string problem) => _errors.Add($"{key}: {problem}");
}
