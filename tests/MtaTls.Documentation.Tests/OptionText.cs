using MtaTls.Configuration;

namespace MtaTls.Documentation.Tests;

/// <summary>Describes settings in words.</summary>
internal static class OptionText
{
    /// <summary>The description of a setting, with the parts of its range and default that are not numbers.</summary>
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
