using System.Globalization;

namespace MtaTls.Stress;

/// <summary>What the command line says.</summary>
/// <param name="Minutes">How long a soak lasts.</param>
/// <param name="Seed">Of everything that is random; 0: a new one.</param>
/// <param name="Workers">How many requests of a soak are under way at a time.</param>
/// <param name="Count">Channels, sessions or opens; 0: what the command is named after.</param>
/// <param name="Rounds">How often they are made; 0: what the command thinks fit.</param>
/// <param name="Output">Where the samples and the plot go.</param>
internal sealed record StressOptions(double Minutes, int Seed, int Workers, int Count, int Rounds, string Output)
{
    /// <summary>The options; null where one is unknown or has no value.</summary>
    public static StressOptions? Parse(string[] arguments)
    {
        StressOptions options = new(1, 0, 24, 0, 0, Path.Combine("artifacts", "stress"));
        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
            {
                return null;
            }

            string value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--minutes": options = options with { Minutes = double.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--seed": options = options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--workers": options = options with { Workers = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--count": options = options with { Count = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--rounds": options = options with { Rounds = int.Parse(value, CultureInfo.InvariantCulture) }; break;
                case "--output": options = options with { Output = value }; break;
                default: return null;
            }
        }

        return options;
    }
}
