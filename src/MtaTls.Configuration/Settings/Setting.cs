namespace MtaTls.Configuration;

/// <summary>
/// One key of a configuration section: its name, description, type and range. Reading, range checks, the schema for editors, the options page and the tests use it.
/// </summary>
internal abstract class Setting(string name, SettingKind kind, string description)
{
    public string Name => name;

    public SettingKind Kind => kind;

    /// <summary>One or more plain sentences for the schema and the options page.</summary>
    public string Description => description;

    /// <summary>What a number counts, such as "bytes".</summary>
    public string? Unit { get; init; }

    /// <summary>The smallest value. A duration of one tick means "more than zero".</summary>
    public object? Minimum { get; init; }

    public object? Maximum { get; init; }

    /// <summary>Whether -00:00:00.001 means "no limit".</summary>
    public bool AllowsInfinite { get; init; }

    /// <summary>Whether an integer can be written as 0x and hexadecimal digits.</summary>
    public bool AllowsHexadecimal { get; init; }

    /// <summary>The names of which a choice is one.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>A regular expression in the schema for a text, or for each text of a list or map.</summary>
    public string? Pattern { get; init; }

    /// <summary>Whether the entries of a list can be written as numbers.</summary>
    public bool AllowsNumbers { get; init; }

    public bool IsRequired { get; init; }

    /// <summary>A description of the default when it is not a fixed value, such as "the value of Host".</summary>
    public string? DefaultText { get; init; }

    /// <summary>The settings of a section, or of each entry of a list or map of sections.</summary>
    public SettingTable? Children { get; init; }

    /// <summary>The range as text, for messages and the options page; null when there is none.</summary>
    public string? Range => SettingText.Range(this);
}
