namespace MtaTls.Configuration;

/// <summary>Ranges that several packages share.</summary>
internal static class SettingRanges
{
    /// <summary>The longest timeout: what every timer of .NET can measure.</summary>
    public static TimeSpan MaxTimeout { get; } = TimeSpan.FromDays(24);
}
