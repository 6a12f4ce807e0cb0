using MtaTls.Configuration;

namespace MtaTls.Documentation.Tests;

/// <summary>Settings in words.</summary>
internal static class OptionText
{
    /// <summary>What a setting is for, with what its range and default cannot say in numbers.</summary>
    public static string Describe(Setting setting)
    {
        string text = setting.Description;
        if (setting.Unit is { } unit)
        {
            text += $" In {unit}.";
        }

        if (setting.Kind == SettingKind.Duration)
        {
            text += $" Range: {setting.Range}.";
        }

        return setting.DefaultText is null or "empty" ? text : $"{text} Default: {setting.DefaultText}.";
    }
}
