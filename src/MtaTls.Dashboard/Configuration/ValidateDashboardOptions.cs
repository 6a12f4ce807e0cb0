using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.Dashboard.Configuration;

/// <summary>Checks <see cref="MtaTlsDashboardOptions"/>, those set in code too, and reports everything that is wrong in one error.</summary>
internal sealed class ValidateDashboardOptions : IValidateOptions<MtaTlsDashboardOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsDashboardOptions options)
    {
        ErrorList errors = new();
        errors.AddRange(options.ConfigurationErrors.All);
        DashboardSettings.Table.Check(options, MtaTlsDashboardOptions.SectionName, errors);
        return errors.ToResult();
    }
}
