using System.CommandLine.Parsing;
using System.Globalization;

namespace MtaTls.Tool.Commands;

/// <summary>The range of an option that is a number.</summary>
internal static class OptionRange
{
    /// <summary>Adds an error where the number is out of its range. What is no number is reported by the parser.</summary>
    public static void Check(OptionResult result, int least, int most)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out int value) && (value < least || value > most))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{result.Option.Name} must be from {least} to {most}."));
        }
    }
}
