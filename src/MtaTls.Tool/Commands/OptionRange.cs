using System.CommandLine.Parsing;
using System.Globalization;

namespace MtaTls.Tool.Commands;

/// <summary>Checks the range of a numeric option.</summary>
internal static class OptionRange
{
    /// <summary>Adds an error if the number is out of range. The parser reports a value that is not a number.</summary>
    public static void Check(OptionResult result, int least, int most)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out int value) && (value < least || value > most))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{result.Option.Name} must be from {least} to {most}."));
        }
    }
}
