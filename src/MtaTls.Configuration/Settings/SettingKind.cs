namespace MtaTls.Configuration;

/// <summary>The type of a setting's value in a configuration file.</summary>
internal enum SettingKind
{
    /// <summary>true or false.</summary>
    Boolean,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A time span such as 00:00:10.</summary>
    Duration,

    /// <summary>A text.</summary>
    Text,

    /// <summary>A path, relative to the content root.</summary>
    Path,

    /// <summary>One of several names.</summary>
    Choice,

    /// <summary>A list of names, each one of several.</summary>
    ChoiceList,

    /// <summary>A list of texts.</summary>
    TextList,

    /// <summary>An object with settings of its own.</summary>
    Section,

    /// <summary>A list of objects.</summary>
    SectionList,

    /// <summary>An object whose keys are names that the configuration chooses, and whose values are objects.</summary>
    SectionMap,

    /// <summary>An object whose keys are names that the configuration chooses, and whose values are texts.</summary>
    TextMap,

    /// <summary>An object whose keys are names that the configuration chooses, and whose values are one of several names.</summary>
    ChoiceMap,

    /// <summary>An object whose keys are names that the configuration chooses, and whose values are lists of texts.</summary>
    TextListMap,
}
