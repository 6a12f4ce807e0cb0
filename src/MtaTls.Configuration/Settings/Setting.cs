namespace MtaTls.Configuration;

/// <summary>
/// One key of a configuration section: its name, what it is for and what it may be. Reading, range checks, the schema for editors, the options page and the tests all come from it.
/// </summary>
internal abstract class Setting(string name, SettingKind kind, string description)
{
    public string Name => name;

    public SettingKind Kind => kind;

    /// <summary>One or more plain sentences for the schema and the options page.</summary>
    public string Description => description;

    /// <summary>What a number counts, such as "bytes".</summary>
    public string? Unit { get; init; }

    /// <summary>The least value; a duration of one tick stands for "more than zero".</summary>
    public object? Minimum { get; init; }

    public object? Maximum { get; init; }

    /// <summary>Whether -00:00:00.001 means "no limit".</summary>
    public bool AllowsInfinite { get; init; }

    /// <summary>Whether a whole number may be written as 0x and hexadecimal digits.</summary>
    public bool AllowsHexadecimal { get; init; }

    /// <summary>The names that a choice may be.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>A regular expression that the schema holds a text, or each text of a list or map, to.</summary>
    public string? Pattern { get; init; }

    /// <summary>Whether the entries of a list may be written as numbers.</summary>
    public bool AllowsNumbers { get; init; }

    public bool IsRequired { get; init; }

    /// <summary>What the default is where it is not a fixed value, such as "the value of Host".</summary>
    public string? DefaultText { get; init; }

    /// <summary>The settings of a section, or of each entry of a list or map of sections.</summary>
    public SettingTable? Children { get; init; }

    /// <summary>The range in words, for messages and the options page; null where there is none.</summary>
    public string? Range => SettingText.Range(this);
}
