using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.Dashboard.Configuration;

/// <summary>Validates <see cref="MtaTlsDashboardOptions"/>, also those set in code, and reports all errors together.</summary>
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
