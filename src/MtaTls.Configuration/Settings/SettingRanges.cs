namespace MtaTls.Configuration;

/// <summary>Ranges that several packages share.</summary>
internal static class SettingRanges
{
    /// <summary>The longest timeout: the longest time that every timer of .NET supports.</summary>
    public static TimeSpan MaxTimeout { get; } = TimeSpan.FromDays(24);
}
